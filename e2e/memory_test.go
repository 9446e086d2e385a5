package e2e

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// heaps are a page's own, and one of each Worker that it or another Worker has started.
type heaps struct {
	page *tab
	ctx  context.Context               // ends what is not answered
	each map[target.ID]context.Context // those found so far
}

// heaps can be measured for 5 minutes.
func (p *tab) heaps() *heaps {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Minute)
	p.Cleanup(cancel)
	return &heaps{p, ctx, map[target.ID]context.Context{chromedp.FromContext(ctx).Target.TargetID: ctx}}
}

// find adds the heaps of Workers that have come, and says whether there were any.
func (h *heaps) find() (found bool) {
	h.page.Helper()
	all, err := chromedp.CallBrowser(h.ctx, target.GetTargets, target.GetTargetsParams{})
	if err != nil {
		h.page.Fatalf("find Workers: %v", err)
	}
	for _, w := range all.TargetInfos {
		// What has no address yet would not answer: the Worker that started it has not told the browser of it.
		if w.Type != "worker" || w.URL == "" || h.each[w.TargetID] != nil || h.each[w.ParentID] == nil {
			continue
		}
		ctx, cancel := chromedp.NewContext(h.ctx, chromedp.WithTargetID(w.TargetID), chromedp.WithDetachOnCancel())
		h.page.Cleanup(cancel)
		// With this it tells of Workers that it starts.
		if _, err := chromedp.Call(ctx, target.SetAutoAttach, target.SetAutoAttachParams{AutoAttach: true, Flatten: new(true)}); err == nil {
			h.each[w.TargetID], found = ctx, true
		}
	}
	return found
}

// memory is what heaps hold at a moment, in bytes.
type memory struct {
	JavaScript float64 // with buffers, and with garbage that is not collected yet
	Go         float64 // its WebAssembly memory, which the browser counts to no heap
	Heaps      int
}

// measure passes Workers over that have ended, but must find the engine's.
func (h *heaps) measure() (m memory) {
	h.page.Helper()
	for h.find() {
	}
	for id, ctx := range h.each {
		engine, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("globalThis.wasm?.instance.exports.mem.buffer.byteLength ?? 0"))
		used, ended := chromedp.Call(ctx, runtime.GetHeapUsage, cdp.Empty{})
		if err != nil || ended != nil {
			delete(h.each, id)
			continue
		}
		m.JavaScript += used.UsedSize + used.EmbedderHeapUsedSize + used.BackingStorageSize
		m.Go += engine
		m.Heaps++
	}
	if m.Go == 0 {
		h.page.Fatalf("the engine's Worker is not among %d heaps", m.Heaps)
	}
	return m
}
