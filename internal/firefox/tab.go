package firefox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Tab is a page of a browser.
type Tab struct {
	browser *Browser
	context string
}

// Open opens url in a new tab, and returns once it is loaded.
func (b *Browser) Open(ctx context.Context, url string) (*Tab, error) {
	var made struct{ Context string }
	if err := b.command(ctx, "browsingContext.create", map[string]any{"type": "tab"}, &made); err != nil {
		return nil, err
	}
	t := &Tab{b, made.Context}
	return t, b.command(ctx, "browsingContext.navigate", map[string]any{"context": t.context, "url": url, "wait": "complete"}, nil)
}

// Close closes the tab.
func (t *Tab) Close(ctx context.Context) error {
	return t.browser.command(ctx, "browsingContext.close", map[string]any{"context": t.context}, nil)
}

// remote is a value of the page, as BiDi has it.
type remote struct {
	Type     string
	Value    json.RawMessage
	SharedID string
}

func (t *Tab) evaluate(ctx context.Context, expression string) (remote, error) {
	var got struct {
		Type             string
		Result           remote
		ExceptionDetails struct{ Text string }
	}
	err := t.browser.command(ctx, "script.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "target": map[string]any{"context": t.context},
	}, &got)
	if err == nil && got.Type == "exception" {
		err = errors.New(got.ExceptionDetails.Text)
	}
	return got.Result, err
}

// Evaluate evaluates an expression, waits for its promise, and stores its value in out, by way of JSON.
func (t *Tab) Evaluate(ctx context.Context, expression string, out any) error {
	r, err := t.evaluate(ctx, "(async () => JSON.stringify(await ("+expression+")))()")
	if err != nil {
		return err
	}
	if r.Type != "string" {
		return fmt.Errorf("firefox: the value is %s", r.Type)
	}
	var text string
	if err := json.Unmarshal(r.Value, &text); err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), out)
}

// SetFiles has the file input that a selector finds take files, as if a person chose them.
func (t *Tab) SetFiles(ctx context.Context, selector string, files ...string) error {
	r, err := t.evaluate(ctx, fmt.Sprintf("document.querySelector(%q)", selector))
	if err != nil {
		return err
	}
	if r.SharedID == "" {
		return fmt.Errorf("firefox: nothing is %s", selector)
	}
	return t.browser.command(ctx, "input.setFiles", map[string]any{
		"context": t.context, "element": map[string]any{"sharedId": r.SharedID}, "files": files,
	}, nil)
}

// Type presses keys one after the other; what has the focus takes them. U+E007 is Enter.
func (t *Tab) Type(ctx context.Context, keys string) error {
	var actions []any
	for _, key := range keys {
		for _, what := range []string{"keyDown", "keyUp"} {
			actions = append(actions, map[string]any{"type": what, "value": string(key)})
		}
	}
	return t.browser.command(ctx, "input.performActions", map[string]any{
		"context": t.context, "actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": actions}},
	}, nil)
}

// Screenshot is what the tab shows, a PNG.
func (t *Tab) Screenshot(ctx context.Context) ([]byte, error) {
	var got struct{ Data []byte }
	err := t.browser.command(ctx, "browsingContext.captureScreenshot", map[string]any{"context": t.context}, &got)
	return got.Data, err
}
