// Package firefox drives a Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), for the tests and the race.
package firefox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/clipside/clipside/internal/swiftshader"
)

// preferences turn WebGPU on where it is not yet, keep the clock fine, and have the browser ask nobody for anything.
var preferences = map[string]any{
	"dom.webgpu.enabled":                         true,
	"gfx.webgpu.ignore-blocklist":                true,
	"gfx.webrender.software":                     true, // drawing pages needs no GPU
	"privacy.reduceTimerPrecision":               false,
	"app.update.enabled":                         false,
	"browser.aboutwelcome.enabled":               false,
	"browser.shell.checkDefaultBrowser":          false,
	"datareporting.policy.dataSubmissionEnabled": false,
	"network.captive-portal-service.enabled":     false,
	"network.connectivity-service.enabled":       false,
	"services.settings.server":                   "",
	"toolkit.telemetry.enabled":                  false,
}

// Browser is a running Firefox with a fresh profile and without a window.
type Browser struct {
	cmd     *exec.Cmd
	end     context.CancelFunc
	profile string
	conn    *websocket.Conn

	mu       sync.Mutex
	last     int
	waiting  map[int]chan<- message
	problems map[string][]string // by tab
	gone     error               // why nothing more is heard
}

// message is a command's answer, or an event, whose id is 0.
type message struct {
	ID      int             `json:"id"`
	Type    string          `json:"type"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// Launch starts a Firefox. It ends with ctx, or when it is closed.
func Launch(ctx context.Context, program string) (*Browser, error) {
	profile, err := os.MkdirTemp("", "clipside-firefox-")
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	b := &Browser{end: end, profile: profile, waiting: map[int]chan<- message{}, problems: map[string][]string{}}
	if err := b.start(ctx, program); err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return b, nil
}

func (b *Browser) start(ctx context.Context, program string) error {
	var prefs strings.Builder
	for name, value := range preferences {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		fmt.Fprintf(&prefs, "user_pref(%q, %s);\n", name, text)
	}
	if err := os.WriteFile(filepath.Join(b.profile, "user.js"), []byte(prefs.String()), 0o666); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "--no-remote", "--profile", b.profile, "--remote-debugging-port", "0", "--remote-allow-system-access", "--window-size", "1280,1000")
	cmd.Env = append(swiftshader.Environment(), "MOZ_HEADLESS=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // so that its own processes end, too
	cmd.WaitDelay = 10 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	b.cmd = cmd
	found := make(chan string, 1)
	go readAddress(stderr, found)

	dialing, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var address string
	select {
	case address = <-found:
	case <-dialing.Done():
		return fmt.Errorf("it does not say where it listens: %w", dialing.Err())
	}
	if b.conn, _, err = websocket.Dial(dialing, address+"/session", nil); err != nil {
		return err
	}
	b.conn.SetReadLimit(-1)
	go b.listen(ctx)
	if err := b.command(dialing, "session.new", map[string]any{"capabilities": map[string]any{}}, nil); err != nil {
		return err
	}
	if err := b.forgetWorkers(dialing); err != nil {
		return err
	}
	return b.command(dialing, "session.subscribe", map[string]any{"events": []string{logged}}, nil)
}

// forgetWorkers has the session no longer listen for new Workers, which it does without being asked. With a listener a
// Worker that starts another waits until that is registered, for a notification that can wake the new Worker instead,
// which waits for the same condition: one time in ten both waited for ever (seen in Firefox 153). Without one, as for
// everybody who does not debug, nothing waits.
func (b *Browser) forgetWorkers(ctx context.Context) error {
	var tree struct{ Contexts []struct{ Context string } }
	if err := b.command(ctx, "browsingContext.getTree", map[string]any{"moz:scope": "chrome", "maxDepth": 0}, &tree); err != nil {
		return err
	}
	if len(tree.Contexts) == 0 {
		return errors.New("firefox: it has no window")
	}
	window := &Tab{b, tree.Contexts[0].Context}
	_, err := window.evaluate(ctx, `ChromeUtils.importESModule("chrome://remote/content/shared/js-process-actors/WebDriverWorkerListenerActor.sys.mjs").unregisterWebDriverWorkerListenerActor()`)
	return err
}

// listening is what Firefox says once it takes commands.
var listening = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)

// readAddress sends the address that Firefox names in what it writes, and reads the rest so that it can write on.
func readAddress(stderr io.Reader, address chan<- string) {
	for s := bufio.NewScanner(stderr); s.Scan(); {
		if m := listening.FindStringSubmatch(s.Text()); m != nil {
			address <- m[1]
			break
		}
	}
	io.Copy(io.Discard, stderr)
}

// logged is the event of a message on a tab's console, or of an uncaught exception.
const logged = "log.entryAdded"

func (b *Browser) listen(ctx context.Context) {
	for {
		var m message
		err := wsjson.Read(ctx, b.conn, &m)
		b.mu.Lock()
		if err != nil {
			b.gone = fmt.Errorf("firefox is gone: %w", err)
			for _, c := range b.waiting {
				close(c)
			}
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		if m.Method == logged {
			var e struct {
				Level, Text string
				Source      struct{ Context string }
			}
			if err := json.Unmarshal(m.Params, &e); err == nil && e.Level == "error" {
				b.problems[e.Source.Context] = append(b.problems[e.Source.Context], e.Text)
			}
		}
		if c := b.waiting[m.ID]; c != nil {
			delete(b.waiting, m.ID)
			c <- m
		}
		b.mu.Unlock()
	}
}

// command sends a command and stores what it results in, unless out is nil.
func (b *Browser) command(ctx context.Context, method string, params, out any) error {
	b.mu.Lock()
	if b.gone != nil {
		b.mu.Unlock()
		return b.gone
	}
	b.last++
	id := b.last
	answer := make(chan message, 1)
	b.waiting[id] = answer
	b.mu.Unlock()
	if err := wsjson.Write(ctx, b.conn, map[string]any{"id": id, "method": method, "params": params}); err != nil {
		return fmt.Errorf("firefox: %s: %w", method, err)
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return b.gone
		case m.Type == "error":
			return fmt.Errorf("firefox: %s: %s: %s", method, m.Error, m.Message)
		case out == nil:
			return nil
		}
		return json.Unmarshal(m.Result, out)
	case <-ctx.Done():
		b.mu.Lock()
		delete(b.waiting, id)
		b.mu.Unlock()
		return fmt.Errorf("firefox: %s: %w", method, ctx.Err())
	}
}

// Close ends the browser and deletes its profile.
func (b *Browser) Close() {
	if b.conn != nil {
		b.conn.CloseNow()
	}
	b.end()
	if b.cmd != nil {
		b.cmd.Wait()
	}
	os.RemoveAll(b.profile)
}
