//go:build js || cgo

package gpu

import "slices"

// fuse makes layer norms disappear into the products around them: the product that writes a tensor leaves the moments
// of its rows, and the products that read it normalised do that as they read (see matmul.wgsl). A transformer's layer
// is then five dispatches. A norm stays what it is where a tensor comes from another operation, or goes to one. Software
// adapters keep all norms, which cost them less by themselves.
func (r *recorder) fuse(result *slot) {
	if r.d.info.Software {
		return
	}
	writer := map[*slot]*product{}
	for _, c := range r.commands {
		if c.product != nil {
			writer[c.product.y] = c.product
		}
	}
	r.commands = slices.DeleteFunc(r.commands, func(c *command) bool {
		n := c.norm
		if n == nil || n.y == result {
			return false
		}
		from := writer[n.x]
		readers, only := r.productsOf(n.y, c)
		if from == nil || !only {
			return false
		}
		if from.moments == nil {
			from.moments = &moments{slot: r.slot(0)}
		}
		for _, p := range readers {
			p.x, p.norm = n.x, &norming{n.Norm, n.cols, from.moments}
		}
		return true
	})
}

// productsOf are the products whose x is s, which writer has written; only is false if anything else reads it too.
func (r *recorder) productsOf(s *slot, writer *command) (readers []*product, only bool) {
	for _, c := range r.commands {
		switch p := c.product; {
		case c == writer:
		case p == nil:
			if slices.ContainsFunc(c.operands, func(o operand) bool { return o.slot == s }) {
				return nil, false
			}
		case p.residual == s || p.x == s && p.conv != nil:
			return nil, false
		case p.x == s:
			readers = append(readers, p)
		}
	}
	return readers, true
}
