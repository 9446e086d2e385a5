package firefox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// Problems are the errors on the tab's console so far, and its uncaught exceptions.
func (t *Tab) Problems() []string {
	t.browser.mu.Lock()
	defer t.browser.mu.Unlock()
	return slices.Clone(t.browser.problems[t.context])
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

// element is what a selector finds, for commands.
func (t *Tab) element(ctx context.Context, selector string) (map[string]any, error) {
	r, err := t.evaluate(ctx, fmt.Sprintf("document.querySelector(%q)", selector))
	if err != nil {
		return nil, err
	}
	if r.SharedID == "" {
		return nil, fmt.Errorf("firefox: nothing is %s", selector)
	}
	return map[string]any{"sharedId": r.SharedID}, nil
}

// SetFiles has a file input take files, as if a person chose them.
func (t *Tab) SetFiles(ctx context.Context, selector string, files ...string) error {
	e, err := t.element(ctx, selector)
	if err != nil {
		return err
	}
	return t.browser.command(ctx, "input.setFiles", map[string]any{"context": t.context, "element": e, "files": files}, nil)
}

// Click brings an element into view and clicks into its middle.
func (t *Tab) Click(ctx context.Context, selector string) error {
	e, err := t.element(ctx, selector)
	if err != nil {
		return err
	}
	if _, err := t.evaluate(ctx, fmt.Sprintf("document.querySelector(%q).scrollIntoView({ behavior: 'instant', block: 'center' })", selector)); err != nil {
		return err
	}
	return t.perform(ctx, "pointer", []any{
		map[string]any{"type": "pointerMove", "x": 0, "y": 0, "origin": map[string]any{"type": "element", "element": e}},
		map[string]any{"type": "pointerDown", "button": 0}, map[string]any{"type": "pointerUp", "button": 0},
	})
}

func (t *Tab) perform(ctx context.Context, kind string, actions []any) error {
	return t.browser.command(ctx, "input.performActions", map[string]any{
		"context": t.context, "actions": []any{map[string]any{"type": kind, "id": kind, "actions": actions}},
	}, nil)
}

// Type presses keys one after the other; what has the focus takes them.
func (t *Tab) Type(ctx context.Context, keys string) error {
	var actions []any
	for _, key := range keys {
		for _, what := range []string{"keyDown", "keyUp"} {
			actions = append(actions, map[string]any{"type": what, "value": string(key)})
		}
	}
	return t.perform(ctx, "key", actions)
}
