/** Requests of HTTP begin with one of these; no terminal does. */
const HTTP_METHODS = [
  "GET ",
  "PUT ",
  "POST ",
  "HEAD ",
  "PATCH ",
  "TRACE ",
  "DELETE ",
  "OPTIONS ",
  "CONNECT ",
  "PRI * HTTP",
];
const LONGEST_METHOD = Math.max(...HTTP_METHODS.map((method) => method.length));

/** Tells whether a connection opens with an HTTP request. Nothing is held back: a first key press is not delayed. */
export function createHttpScreen(): (chunk: Buffer) => boolean {
  let opening = "";
  let isDecided = false;
  return (chunk) => {
    if (isDecided) return false;
    opening += chunk.subarray(0, LONGEST_METHOD - opening.length).toString("latin1");
    if (HTTP_METHODS.some((method) => opening.startsWith(method))) return true;
    isDecided = !HTTP_METHODS.some((method) => method.startsWith(opening));
    return false;
  };
}
