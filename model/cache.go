package model

import (
	"container/list"
	"math"
	"strconv"
	"strings"
)

// maxCached embeddings of 512 values take 8 MiB.
const maxCached = 4096

// textKey tells apart what is embedded: a text, or a label in several templates.
type textKey struct{ text, templates string }

func keyOf(name string, templates []string) textKey {
	if len(templates) == 1 {
		return textKey{text: strings.ReplaceAll(templates[0], "{}", name)}
	}
	var list strings.Builder
	for _, t := range templates {
		list.WriteString(strconv.Itoa(len(t)) + ":" + t) // so that no two lists are written alike
	}
	return textKey{name, list.String()}
}

// embedded is a text's embedding, or a label's. It is complete, and never changes again, once parts is 0.
type embedded struct {
	key       textKey
	truncated bool
	parts     int // prompts whose embeddings are still to come
	values    []float32
}

// add takes the embedding of one of its prompts and reports whether it is complete. Of several it is the normalised
// mean.
func (e *embedded) add(v []float32) bool {
	e.parts--
	if e.parts == 0 && e.values == nil {
		e.values = v
		return true
	}
	if e.values == nil {
		e.values = make([]float32, len(v))
	}
	for i, x := range v {
		e.values[i] += x
	}
	if e.parts > 0 {
		return false
	}
	if n := math.Sqrt(float64(Cosine(e.values, e.values))); n > 0 {
		for i := range e.values {
			e.values[i] = float32(float64(e.values[i]) / n)
		}
	}
	return true
}

// textCache remembers what was asked for last.
type textCache struct {
	all   map[textKey]*list.Element
	order list.List // of *embedded, the last one used first
}

// get returns nil for what is not there.
func (c *textCache) get(key textKey) *embedded {
	at := c.all[key]
	if at == nil {
		return nil
	}
	c.order.MoveToFront(at)
	return at.Value.(*embedded)
}

func (c *textCache) put(e *embedded) {
	if c.all == nil {
		c.all = map[textKey]*list.Element{}
	}
	if at := c.all[e.key]; at != nil { // made by two calls at once
		c.order.Remove(at)
	}
	c.all[e.key] = c.order.PushFront(e)
}

// trim forgets what was used the longest ago.
func (c *textCache) trim(limit int) {
	for len(c.all) > limit {
		at := c.order.Back()
		delete(c.all, at.Value.(*embedded).key)
		c.order.Remove(at)
	}
}
