module emufarm.dev/cluster/test-images

go 1.26.0
