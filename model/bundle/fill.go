package bundle

import (
	"fmt"

	"github.com/clipside/clipside/model"
)

// Reserved is storage on a device for a bundle's towers, ready to be filled.
type Reserved struct {
	Image *model.ImageTower // nil unless asked for
	Text  *model.TextTower  // likewise

	towers  []string
	fillers map[string]*Filler
}

// Reserve makes the parameters of the named towers (both, image first, when none is named) on a device. Encoders can
// be started at once: they wait for each parameter as they come to it. The error is the device's; what was reserved
// before it goes with the device's Release.
func Reserve(m *Manifest, d model.Device, towers ...string) (*Reserved, error) {
	if len(towers) == 0 {
		towers = []string{Image, Text}
	}
	r := &Reserved{towers: towers, fillers: make(map[string]*Filler)}
	for _, name := range towers {
		t := m.Towers[name]
		if t == nil {
			return nil, fmt.Errorf("bundle: %s has no %s tower", m.Name, name)
		}
		if r.fillers[name] != nil {
			return nil, fmt.Errorf("bundle: the %s tower is named twice", name)
		}
		var params []*model.Param
		var failed error
		image, text := declare(&m.Config, name, func(name string, shape ...int) *model.Param {
			// A declaration cannot fail, so after the first error the rest gets no storage and nobody sees it.
			p := model.NewParam(name, shape...)
			if failed == nil {
				q, err := d.NewParam(name, shape...)
				if err != nil {
					failed = fmt.Errorf("bundle: reserving %s %v: %w", name, shape, err)
				} else {
					p = q
				}
			}
			params = append(params, p)
			return p
		})
		if failed != nil {
			return nil, failed
		}
		if image != nil {
			r.Image = image
		} else {
			r.Text = text
		}
		r.fillers[name] = NewFiller(t, params, d.Fill)
	}
	return r, nil
}

// Filler is where a tower's decoded chunks go; nil for a tower that was not reserved.
func (r *Reserved) Filler(tower string) *Filler { return r.fillers[tower] }

// Fail ends every tower that is not complete.
func (r *Reserved) Fail(err error) {
	for _, f := range r.fillers {
		f.Fail(err)
	}
}

// Filler cuts a tower's stream at its tensors' borders and hands the pieces on.
type Filler struct {
	tower  *Tower
	params []*model.Param
	fill   func(p *model.Param, at int64, f16 []byte) error

	chunk  int   // next
	tensor int   // next to get values
	at     int64 // in that tensor, bytes
	err    error
}

// NewFiller returns a filler of params, which are the tower's tensors in order. Fill is called with pieces of a
// parameter in order and without gaps; offsets and lengths are multiples of 8 bytes. It marks a parameter's values
// arrived when it has the last of them, as [model.Device] does, and must not keep the slice.
func NewFiller(t *Tower, params []*model.Param, fill func(p *model.Param, at int64, f16 []byte) error) *Filler {
	model.Check(len(params) == len(t.Tensors), "fill tower", "%d parameters for %d tensors", len(params), len(t.Tensors))
	return &Filler{tower: t, params: params, fill: fill}
}

// Next is the chunk that Fill expects; false when the tower is complete.
func (f *Filler) Next() (File, bool) {
	if f.chunk == len(f.tower.Chunks) {
		return File{}, false
	}
	return f.tower.Chunks[f.chunk], true
}

// Fill takes the next chunk's raw bytes. After an error the tower has failed, and every call returns that error.
func (f *Filler) Fill(raw []byte) error {
	if f.err != nil {
		return f.err
	}
	c, ok := f.Next()
	model.Check(ok && len(raw) == c.Raw, "fill tower", "%d bytes for chunk %d of %d, of %d", len(raw), f.chunk, len(f.tower.Chunks), c.Raw)
	for len(raw) > 0 {
		t, p := &f.tower.Tensors[f.tensor], f.params[f.tensor]
		n := min(int64(len(raw)), t.Bytes-f.at)
		if err := f.fill(p, f.at, raw[:n]); err != nil {
			f.Fail(fmt.Errorf("bundle: filling %s: %w", t.Name, err))
			return f.err
		}
		raw, f.at = raw[n:], f.at+n
		if f.at == t.Bytes {
			f.tensor, f.at = f.tensor+1, 0
		}
	}
	f.chunk++
	return nil
}

// Fail tells whoever waits for a parameter that has not arrived that it never will, and why. A complete tower
// stays complete.
func (f *Filler) Fail(err error) {
	if f.err == nil {
		f.err = err
	}
	for _, p := range f.params {
		p.Arrived(f.err)
	}
}
