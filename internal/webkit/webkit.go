// Package webkit drives WebKitGTK's MiniBrowser over WebDriver (https://w3c.github.io/webdriver/), for the tests and
// the race: its engine is Safari's. It has no WebGPU, and keeps nothing from one session to the next.
package webkit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Browser is a running MiniBrowser with a fresh profile, on a display of its own that nobody sees.
type Browser struct {
	Version string // of WebKitGTK

	display, driver *exec.Cmd
	profile         string
	session         string // its address
}

// Launch starts WebKitWebDriver, which starts the browser. It ends when it is closed.
func Launch(ctx context.Context, driver, xvfb string) (*Browser, error) {
	profile, err := os.MkdirTemp("", "clipside-webkit-")
	if err != nil {
		return nil, err
	}
	b := &Browser{profile: profile}
	if err := b.start(ctx, driver, xvfb); err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", driver, err)
	}
	return b, nil
}

func (b *Browser) start(ctx context.Context, driver, xvfb string) error {
	display, err := b.startDisplay(xvfb)
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(address)
	// In a process group of its own, for Close: a page that computes ends with nothing else.
	b.driver = exec.Command("setsid", driver, "--host="+host, "--port="+port)
	b.driver.Env = append(os.Environ(), "DISPLAY=:"+display, "HOME="+b.profile, "XDG_CACHE_HOME="+b.profile, "XDG_CONFIG_HOME="+b.profile, "XDG_DATA_HOME="+b.profile,
		"GDK_BACKEND=x11", "LIBGL_ALWAYS_SOFTWARE=1",
		"JSC_useSharedArrayBuffer=1", // as Safari has it, on isolated pages
	)
	if err := b.driver.Start(); err != nil {
		return err
	}

	service := "http://" + address
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err = call(ctx, http.MethodGet, service+"/status", nil, nil); err == nil {
			break
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
	// Who calls says how long to wait.
	capabilities := map[string]any{"timeouts": map[string]any{"script": nil}}
	var made struct {
		SessionID    string
		Capabilities struct{ BrowserVersion string }
	}
	if err := call(ctx, http.MethodPost, service+"/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": capabilities}}, &made); err != nil {
		return err
	}
	b.session = service + "/session/" + made.SessionID
	b.Version = made.Capabilities.BrowserVersion
	return nil
}

// startDisplay starts an X server and returns its number.
func (b *Browser) startDisplay(xvfb string) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b.display = exec.Command(xvfb, "-displayfd", "3", "-screen", "0", "1280x1000x24", "-nolisten", "tcp")
	b.display.ExtraFiles = []*os.File{w}
	err = b.display.Start()
	w.Close()
	if err != nil {
		return "", err
	}
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s says no display: %w", xvfb, err)
	}
	return strings.TrimSpace(number), nil
}

// freeAddress is a port of this machine that nobody listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() {
	if b.session != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		call(ctx, http.MethodDelete, b.session, nil, nil) // what does not end is killed
		cancel()
	}
	if b.driver != nil && b.driver.Process != nil {
		syscall.Kill(-b.driver.Process.Pid, syscall.SIGKILL)
		b.driver.Wait()
	}
	if b.display != nil && b.display.Process != nil {
		b.display.Process.Kill()
		b.display.Wait()
	}
	os.RemoveAll(b.profile)
}

// call is a command of WebDriver's: its answer's value goes into out, unless that is nil.
func call(ctx context.Context, method, address string, params, out any) error {
	var body io.Reader
	if params != nil {
		data, err := json.Marshal(params)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("webkit: %s: %w", response.Status, err)
	}
	if response.StatusCode != http.StatusOK {
		var problem struct{ Error, Message string }
		json.Unmarshal(answer.Value, &problem)
		return fmt.Errorf("webkit: %s: %s", problem.Error, problem.Message)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, out)
}

// Tab is the browser's page.
type Tab struct{ browser *Browser }

// listen has a page keep what it complains of, as WebDriver does not hand out the console.
const listen = `(() => {
	const problems = (window.clipsideProblems = []);
	addEventListener('error', ({ message }) => problems.push(message));
	addEventListener('unhandledrejection', ({ reason }) => problems.push('unhandled: ' + reason));
	const { error } = console;
	console.error = (...args) => {
		problems.push('console: ' + args.join(' '));
		error(...args);
	};
	return true;
})()`

// Open opens url, and returns once it is loaded.
func (b *Browser) Open(ctx context.Context, url string) (*Tab, error) {
	t := &Tab{b}
	if err := t.command(ctx, "url", map[string]any{"url": url}, nil); err != nil {
		return nil, err
	}
	var listening bool
	return t, t.Evaluate(ctx, listen, &listening)
}

func (t *Tab) command(ctx context.Context, name string, params, out any) error {
	return call(ctx, http.MethodPost, t.browser.session+"/"+name, params, out)
}

// Problems are the errors on the page's console since it was loaded, and its uncaught exceptions.
func (t *Tab) Problems() (problems []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := t.Evaluate(ctx, "window.clipsideProblems", &problems); err != nil {
		return []string{err.Error()}
	}
	return problems
}

// Evaluate evaluates an expression, waits for its promise, and stores its value in out, by way of JSON.
func (t *Tab) Evaluate(ctx context.Context, expression string, out any) error {
	script := `const done = arguments[0];
		(async () => JSON.stringify(await (` + expression + `)))().then((value) => done({ value }), (error) => done({ error: String(error) }))`
	var settled struct{ Value, Error string }
	if err := t.command(ctx, "execute/async", map[string]any{"script": script, "args": []any{}}, &settled); err != nil {
		return err
	}
	if settled.Error != "" {
		return errors.New(settled.Error)
	}
	return json.Unmarshal([]byte(settled.Value), out)
}

// element is the name, for commands, of what a selector finds.
func (t *Tab) element(ctx context.Context, selector string) (string, error) {
	var found map[string]string
	if err := t.command(ctx, "element", map[string]any{"using": "css selector", "value": selector}, &found); err != nil {
		return "", err
	}
	for _, id := range found {
		return "element/" + id, nil
	}
	return "", fmt.Errorf("webkit: nothing is %s", selector)
}

// SetFiles has a file input take files, as if a person chose them.
func (t *Tab) SetFiles(ctx context.Context, selector string, files ...string) error {
	e, err := t.element(ctx, selector)
	if err != nil {
		return err
	}
	return t.command(ctx, e+"/value", map[string]any{"text": strings.Join(files, "\n")}, nil)
}

// Click brings an element into view and clicks into its middle.
func (t *Tab) Click(ctx context.Context, selector string) error {
	e, err := t.element(ctx, selector)
	if err != nil {
		return err
	}
	return t.command(ctx, e+"/click", map[string]any{}, nil)
}

// Type presses keys one after the other; what has the focus takes them.
func (t *Tab) Type(ctx context.Context, keys string) error {
	var actions []any
	for _, key := range keys {
		for _, what := range []string{"keyDown", "keyUp"} {
			actions = append(actions, map[string]any{"type": what, "value": string(key)})
		}
	}
	return t.command(ctx, "actions", map[string]any{"actions": []any{map[string]any{"type": "key", "id": "key", "actions": actions}}}, nil)
}
