package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAPipeThatNothingComesFromCanBeInterrupted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	pipe := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(pipe); err != nil {
		t.Skip(err)
	}
	model := root + "/models/starter"
	for _, args := range [][]string{
		{"classify", "-model", model, "-device", "cpu", "-labels", "a,b", pipe},
		{"embed", "-model", model, "-device", "cpu", "-image", pipe},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		var stderr bytes.Buffer
		ended := make(chan int, 1)
		go func() { ended <- run(ctx, args, output{io.Discard, &stderr}) }()
		time.AfterFunc(2*time.Second, interrupt) // the model is loaded by then
		select {
		case code := <-ended:
			if code != 1 || !strings.HasSuffix(stderr.String(), "interrupted\n") {
				t.Errorf("%s: exit code %d, stderr %q", args[0], code, stderr.String())
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s does not end", args[0])
		}
	}
}
