// probe is a test image without a shell: serve ADDRESS, or get URL, dial ADDRESS, resolve NAME, write PATH=TEXT, read
// PATH, each with as many arguments as are given.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const timeout = 3 * time.Second

func main() {
	if len(os.Args) < 3 {
		fail("usage: probe serve|get|dial|resolve|write|read ARGUMENT...")
	}
	verbs := map[string]func(string) error{
		"serve": serve, "get": get, "dial": dial, "resolve": resolve, "write": write, "read": read,
	}
	verb := verbs[os.Args[1]]
	if verb == nil {
		fail("no such verb: " + os.Args[1])
	}
	code := 0
	for _, argument := range os.Args[2:] {
		if err := verb(argument); err != nil {
			fmt.Println("FAIL", argument, err)
			code = 1
		}
	}
	os.Exit(code)
}

// serve answers every request with the names of its node and pod.
func serve(address string) error {
	// A PID 1 that does not hear SIGTERM costs its whole grace period.
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	host, _ := os.Hostname()
	handler := func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, os.Getenv("NODE"), host) }
	failed := make(chan error, 1)
	go func() { failed <- http.ListenAndServe(address, http.HandlerFunc(handler)) }()
	fmt.Println("serving on", address)
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
		return nil
	}
}

func get(url string) error {
	client := http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

func dial(address string) error {
	connection, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return err
	}
	fmt.Println("connected", address)
	return connection.Close()
}

func resolve(name string) error {
	addresses, err := net.LookupHost(name)
	fmt.Println(name, addresses)
	return err
}

func write(assignment string) error {
	path, text, _ := strings.Cut(assignment, "=")
	return os.WriteFile(path, []byte(text), 0o600)
}

func read(path string) error {
	text, err := os.ReadFile(path)
	fmt.Println(string(text))
	return err
}

func fail(line string) {
	fmt.Fprintln(os.Stderr, line)
	os.Exit(2)
}
