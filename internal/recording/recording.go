// Package recording is what engines that record forward passes and replay them have in common: sharing storage among
// tensors that never live together, remembering recordings, and cutting calls into batches that few recordings serve.
package recording

import (
	"slices"
	"sync"

	"github.com/clipside/clipside/model"
)

// Life is how long a tensor is needed: from the command that writes it to the one that reads it last.
type Life struct {
	Size        uint64 // bytes
	First, Last int
}

// Share gives every tensor a storage, the smallest free one that fits and is no more than twice as large. Lives must be
// in the order of First. Which has a storage's number for every life; sizes are the storages' bytes.
func Share(lives []Life) (which []int, sizes []uint64) {
	which = make([]int, len(lives))
	var busy []int // lives
	var free []int // storages
	for i, l := range lives {
		busy = slices.DeleteFunc(busy, func(b int) bool {
			over := lives[b].Last < l.First
			if over {
				free = append(free, which[b])
			}
			return over
		})
		best := -1
		for j, s := range free {
			if sizes[s] >= l.Size && sizes[s] <= 2*l.Size && (best < 0 || sizes[s] < sizes[free[best]]) {
				best = j
			}
		}
		if best >= 0 {
			which[i] = free[best]
			free = slices.Delete(free, best, best+1)
		} else {
			which[i] = len(sizes)
			sizes = append(sizes, l.Size)
		}
		busy = append(busy, i)
	}
	return which, sizes
}

// Key tells recordings of a tower apart.
type Key struct {
	Tower any // *model.ImageTower or *model.TextTower
	Batch int // pictures or texts
	// Of texts, the rows of their tree, and the tokens of the longest at most.
	Rows, Longest int
}

// Program is a recording as Programs keeps it.
type Program interface{ Release() }

// Programs remembers recordings by what tells them apart, at most Max of them that nobody uses. It is safe for
// concurrent use.
type Programs[K comparable, P Program] struct {
	Max int

	mu  sync.Mutex
	all []*entry[K, P] // least recently used first
}

type entry[K comparable, P Program] struct {
	key     K
	program P
	lent    bool
}

// Lock keeps others from recording, for work that shares an engine's state with it.
func (c *Programs[K, P]) Lock() (unlock func()) {
	c.mu.Lock()
	return c.mu.Unlock
}

// Borrow returns a recording that nobody else uses until giveBack is called, making it when there is none. When there
// are too many, those unused for longest are released.
func (c *Programs[K, P]) Borrow(key K, record func() (P, error)) (p P, giveBack func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.all, func(e *entry[K, P]) bool { return e.key == key && !e.lent })
	var e *entry[K, P]
	if i >= 0 {
		e = c.all[i]
		c.all = slices.Delete(c.all, i, i+1)
	} else {
		if p, err = record(); err != nil {
			return p, nil, err
		}
		e = &entry[K, P]{key: key, program: p}
		for len(c.all) >= c.Max { // by more than one after many were lent at once
			i := slices.IndexFunc(c.all, func(e *entry[K, P]) bool { return !e.lent })
			if i < 0 {
				break
			}
			c.all[i].program.Release()
			c.all = slices.Delete(c.all, i, i+1)
		}
	}
	e.lent = true
	c.all = append(c.all, e)
	return e.program, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.lent = false
	}, nil
}

// Release releases all recordings.
func (c *Programs[K, P]) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.all {
		e.program.Release()
	}
	c.all = nil
}

// Batch is the largest power of two that is at most n and limit, so that few recordings serve every count.
func Batch(n, limit int) int {
	b := 1
	for 2*b <= min(n, limit) {
		b *= 2
	}
	return b
}

// longestStep is what the longest text's length is rounded up to a multiple of. It bounds memory and time, and nothing is
// computed because of it.
const longestStep = 16

// Texts makes a tree of the first of texts, of so many rows at most (but one text at least), and the key of a recording
// that serves it and others like it: of rows that are a multiple of step, and of one text or a multiple of batchStep. The
// tree is to be padded as the key says.
func Texts(t *model.TextTower, texts [][]uint32, rows, step, batchStep int) (*model.PrefixTree, Key, error) {
	tree, err := t.Tree(texts, rows)
	if err != nil {
		return nil, Key{}, err
	}
	batch := len(tree.Ends)
	if batch > 1 {
		batch = round(batch, batchStep)
	}
	return tree, Key{t, batch, round(len(tree.Tokens), step), min(ceil(tree.Longest, longestStep), t.Config.Context)}, nil
}

// round rounds n up, by an eighth at most or to a multiple of step.
func round(n, step int) int {
	for 16*step <= n {
		step *= 2
	}
	return ceil(n, step)
}

// ceil rounds n up to a multiple of step.
func ceil(n, step int) int { return (n + step - 1) / step * step }

// TokenBytes is the size of a model.Token as engines hold it: three words.
const TokenBytes = 12

// CheckHeads guards an attention's heads of width d and the columns that they begin at: kernels read four values at once.
func CheckHeads(op string, d int, all ...model.Columns) {
	for _, c := range all {
		model.Check(d%4 == 0 && c.From%4 == 0, op, "heads of width %d from column %d on", d, c.From)
	}
}

// Activation is the number that kernels know act by: activation.wgsl, and curve of kernels.wat.
func Activation(act model.Activation) int {
	i := slices.Index([]model.Activation{model.NoAct, model.ReLU, model.QuickGELU, model.GELU}, act)
	model.Check(i >= 0, "activation", "%q is not one", act)
	return i
}

// Split cuts y, n rows of one length, apart.
func Split(y []float32, n int) [][]float32 {
	w := len(y) / n
	out := make([][]float32, n)
	for i := range out {
		out[i] = y[i*w : (i+1)*w : (i+1)*w]
	}
	return out
}
