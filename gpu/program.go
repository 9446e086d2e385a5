//go:build js || cgo

package gpu

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
)

// slot is the storage of a recorded tensor. It has no buffer until the recording is complete and its lifetime known;
// then tensors that never live together share one.
type slot struct {
	size   uint64 // bytes
	fixed  bool   // an input or a constant, with a buffer of its own
	buffer *wgpu.Buffer
}

// operand is what a command binds: a tensor's slot, or a weight, or a texture.
type operand struct {
	slot    *slot
	param   *model.Param
	texture *wgpu.TextureView
}

// command is one dispatch. A product has none of it before the recording is complete.
type command struct {
	product *product // or nil
	norm    *normed  // what the command is, if it is a layer norm

	kernel   kernel
	consts   []shaders.Const
	operands []operand // for every binding but the uniform
	uniform  []uint32
	grid     [3]uint32

	flop     float64        // that this dispatch takes
	work     model.Work     // of its operation, the rest of it for an operation's further commands; or its own, if it did say
	needs    []*model.Param // weights that must have arrived
	pipeline *pipeline
	compute  *wgpu.ComputePipeline
	group    *wgpu.BindGroup
}

// recorder implements model.Ops by writing commands down. A Tensor's Data is its *slot, Indices', Tokens' and Pixels' too.
// Errors of the device stop the recording through model.Fail.
type recorder struct {
	d        *Device
	commands []*command
	slots    []*slot
	unused   *slot // see spare
}

var _ model.Ops = (*recorder)(nil)

// metered is r, which notes what work its commands are.
func (r *recorder) metered() model.Ops {
	return model.Metered(r, func(w model.Work) func() {
		first := len(r.commands)
		return func() {
			for _, c := range r.commands[first:] {
				w.Share(&c.work)
				if c.flop == 0 {
					c.flop = c.work.FLOP
				}
			}
		}
	})
}

// tensor reserves a matrix that the next command writes.
func (r *recorder) tensor(rows, cols int) model.Tensor {
	return model.Tensor{Rows: rows, Cols: cols, Data: r.slot(4 * uint64(rows) * uint64(padded(cols)))}
}

func (r *recorder) slot(size uint64) *slot {
	s := &slot{size: size}
	r.slots = append(r.slots, s)
	return s
}

// spare is what a kernel's binding for writing is given when it writes nothing there.
func (r *recorder) spare() *slot {
	if r.unused == nil {
		r.unused = r.fixed("spare", 16)
	}
	return r.unused
}

// fixed makes a slot with a buffer of its own at once.
func (r *recorder) fixed(label string, size uint64) *slot {
	s := r.slot(size)
	s.fixed = true
	b, err := r.d.buffer(label, s.size, wgpu.BufferUsageStorage|wgpu.BufferUsageCopyDst)
	if err != nil {
		model.Fail(err)
	}
	s.buffer = b
	return s
}

// Index implements model.Ops.
func (r *recorder) Index(v []uint32) model.Indices {
	return model.Indices{N: len(v), Data: r.constant("index", wgpu.ToBytes(v))}
}

// constant uploads bytes that stay.
func (r *recorder) constant(label string, data []byte) *slot {
	s := r.fixed(label, uint64(len(data)))
	if err := r.d.write(s.buffer, 0, data); err != nil {
		model.Fail(fmt.Errorf("gpu: write %s: %w", label, err))
	}
	return s
}

// in is a tensor as an operand of the next command.
func (r *recorder) in(t model.Tensor) operand { return r.read(t.Data) }

func (r *recorder) read(data any) operand { return operand{slot: data.(*slot)} }

// out is a tensor as the result of the next command.
func (r *recorder) out(t model.Tensor) operand { return r.read(t.Data) }

func param(p *model.Param) operand { return operand{param: p} }

// dispatch records a command. The uniform, if the kernel has one, is its last binding.
func (r *recorder) dispatch(k kernel, consts []shaders.Const, operands []operand, uniform []uint32, grid [3]uint32) {
	r.commands = append(r.commands, &command{kernel: k, consts: consts, operands: operands, uniform: uniform, grid: grid})
}

// quads dispatches a kernel whose invocations make four values of y each. Its uniform begins with how many fours there are.
func (r *recorder) quads(k kernel, y model.Tensor, operands []operand, uniform ...uint32) {
	count := y.Rows * padded(y.Cols) / 4
	r.dispatch(k, nil, append(operands, r.out(y)), append([]uint32{uint32(count)}, uniform...), r.flat(count, 64))
}

// did says what the last command does, of an operation that is made in another way than it is defined.
func (r *recorder) did(part string, flop, bytes float64) {
	r.commands[len(r.commands)-1].work = model.Work{Op: part, FLOP: flop, Bytes: bytes}
}

// prepare starts to compile a command's kernel, and notes the weights that it waits for.
func (r *recorder) prepare(c *command) error {
	p, err := r.d.pipeline(c.kernel, c.consts...)
	if err != nil {
		return err
	}
	c.pipeline = p
	for _, o := range c.operands {
		if o.param != nil {
			c.needs = append(c.needs, o.param)
		}
	}
	return nil
}

// grid is so many workgroups.
func (r *recorder) grid(k kernel, x, y, z int) [3]uint32 {
	limit := int(r.d.limits.MaxComputeWorkgroupsPerDimension)
	model.Check(x > 0 && y > 0 && z > 0 && x <= limit && y <= limit && z <= limit, k.name, "a grid of %d×%d×%d workgroups, at most %d a side", x, y, z, limit)
	return [3]uint32{uint32(x), uint32(y), uint32(z)}
}

// flat is a grid of at least n invocations in workgroups of size, folded into two dimensions where one is too short;
// kernels find their index as id.x + id.y·num_workgroups.x·size.
func (r *recorder) flat(n, size int) [3]uint32 {
	groups := ceil(n, size)
	y := max(ceil(groups, int(r.d.limits.MaxComputeWorkgroupsPerDimension)), 1)
	return [3]uint32{uint32(max(ceil(groups, y), 1)), uint32(y), 1}
}

// ceil is n/by rounded up.
func ceil(n, by int) int { return (n + by - 1) / by }

func bits(f float32) uint32 { return math.Float32bits(f) }

// program is a recording that can be run again and again.
type program struct {
	d        *Device
	commands []*command
	list     commandList    // the commands, as they are submitted
	buffers  []*wgpu.Buffer // all that the program owns
	uniforms *wgpu.Buffer
	out      model.Tensor
	outSlot  *slot // nil if nothing is read back
	staging  *wgpu.Buffer
}

// span is some of a program's commands.
type span struct {
	*program
	from, to int
}

// all is a span of all commands.
func (p *program) all() span { return span{p, 0, len(p.commands)} }

// uniformAlign is the spacing of uniform blocks in a program's one uniform buffer: WebGPU's default
// minUniformBufferOffsetAlignment.
const uniformAlign = 256

// record runs build over a recorder and makes what it wrote down ready to run: compiles pipelines, shares buffers out,
// fills in the uniforms, makes the bind groups. What build returns is read back at the end, unless it is no tensor.
func (d *Device) record(build func(r *recorder) model.Tensor) (p *program, err error) {
	p = &program{d: d}
	defer func() {
		if err != nil {
			p.Release()
			p = nil
		}
	}()
	err = d.Checked(func() (err error) {
		r := &recorder{d: d}
		defer func() {
			for _, s := range r.slots {
				if s.fixed {
					p.buffers = append(p.buffers, s.buffer)
				}
			}
		}()
		if p.out, err = trace(r, build); err != nil {
			return err
		}
		for _, c := range r.commands {
			if err := r.prepare(c); err != nil {
				return err
			}
		}
		p.commands = r.commands
		p.outSlot, _ = p.out.Data.(*slot)
		return p.bind(r.slots)
	})
	return p, err
}

// trace has build written down, and makes dispatches of it.
func trace(r *recorder, build func(r *recorder) model.Tensor) (t model.Tensor, err error) {
	defer model.Catch(&err)
	t = build(r)
	result, _ := t.Data.(*slot)
	r.fuse(result)
	var all []*command
	for _, c := range r.commands {
		if c.product != nil {
			all = append(all, r.lower(c)...)
		} else {
			all = append(all, c)
		}
	}
	r.commands = all
	return t, nil
}

// bind gives every slot a buffer and every command its bind group.
func (p *program) bind(slots []*slot) error {
	if err := p.share(slots); err != nil {
		return err
	}
	var blocks []byte
	for _, c := range p.commands {
		for _, v := range c.uniform {
			blocks = binary.LittleEndian.AppendUint32(blocks, v)
		}
		blocks = append(blocks, make([]byte, (uniformAlign-len(blocks)%uniformAlign)%uniformAlign)...)
	}
	var err error
	if p.uniforms, err = p.d.buffer("uniforms", uint64(len(blocks)), wgpu.BufferUsageUniform|wgpu.BufferUsageCopyDst); err != nil {
		return err
	}
	p.buffers = append(p.buffers, p.uniforms)
	if err := p.d.write(p.uniforms, 0, blocks); err != nil {
		return fmt.Errorf("gpu: write uniforms: %w", err)
	}
	if p.outSlot != nil {
		if p.staging, err = p.d.buffer("read-back", p.outSlot.size, wgpu.BufferUsageMapRead|wgpu.BufferUsageCopyDst); err != nil {
			return err
		}
		p.buffers = append(p.buffers, p.staging)
	}
	for i, c := range p.commands {
		if c.group, err = p.group(i, c); err != nil {
			return err
		}
	}
	for _, c := range p.commands {
		if c.compute, err = c.pipeline.wait(); err != nil {
			return err
		}
	}
	p.list = newCommandList(p.commands)
	return nil
}

// share makes buffers for the slots that have none, and are used.
func (p *program) share(slots []*slot) error {
	spans := map[*slot]*recording.Life{}
	for i, c := range p.commands {
		for _, o := range c.operands {
			if life := spans[o.slot]; life != nil {
				life.Last = i
			} else if o.slot != nil && !o.slot.fixed {
				spans[o.slot] = &recording.Life{Size: o.slot.size, First: i, Last: i}
			}
		}
	}
	if life := spans[p.outSlot]; life != nil {
		life.Last = len(p.commands) // read back at the end
	}
	var lives []recording.Life
	var shared []*slot
	for _, s := range slots { // in the order of recording, so that the same program is always laid out the same
		if life := spans[s]; life != nil {
			shared = append(shared, s)
			lives = append(lives, *life)
		}
	}
	which, sizes := recording.Share(lives)
	first := len(p.buffers)
	for _, size := range sizes {
		b, err := p.d.buffer("activations", size, wgpu.BufferUsageStorage|wgpu.BufferUsageCopySrc)
		if err != nil {
			return err
		}
		p.buffers = append(p.buffers, b)
	}
	for i, s := range shared {
		s.buffer = p.buffers[first+which[i]]
	}
	return nil
}

func (p *program) group(i int, c *command) (*wgpu.BindGroup, error) {
	var entries []wgpu.BindGroupEntry
	for j, o := range c.operands {
		e := wgpu.BindGroupEntry{Binding: uint32(j), Size: wgpu.WholeSize}
		switch {
		case o.texture != nil:
			e.TextureView = o.texture
		case o.param != nil:
			e.Buffer = o.param.Data.(*weight).buffer
		default:
			e.Buffer = o.slot.buffer
		}
		entries = append(entries, e)
	}
	if len(c.uniform) > 0 {
		// All of the block: of pipelines in a row that share a layout, wgpu asks of each uniform what the first one's needs.
		entries = append(entries, wgpu.BindGroupEntry{
			Binding: uint32(len(entries)), Buffer: p.uniforms, Offset: uint64(i * uniformAlign), Size: uniformAlign,
		})
	}
	g, err := p.d.dev.CreateBindGroup(&wgpu.BindGroupDescriptor{Layout: c.pipeline.layout.group, Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("gpu: bind group of %s: %w", c.pipeline.kernel.name, err)
	}
	return g, nil
}

// run replays the commands, after what is to go before them in the same pass, and returns the result's rows, without
// padding. Where weights are still on their way, it submits what can run and waits for them.
func (p *program) run(ctx context.Context, before ...span) ([]float32, error) {
	next := 0
	for next < len(p.commands) {
		end, long := p.upTo(next)
		if end == next && len(before) == 0 {
			for _, w := range p.commands[next].needs {
				if err := w.Wait(ctx); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := p.submit(append(before, span{p, next, end})); err != nil {
			return nil, err
		}
		if long {
			if err := p.d.finish(); err != nil {
				return nil, err
			}
		}
		before, next = nil, end
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
	}
	raw, err := p.d.read(p.staging, p.outBytes())
	if err != nil {
		return nil, fmt.Errorf("gpu: read back: %w", errors.Join(err, p.d.alive()))
	}
	out := make([]float32, 0, p.out.Rows*p.out.Cols)
	for row := range p.out.Rows {
		for col := range p.out.Cols {
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(row*padded(p.out.Cols)+col):])))
		}
	}
	return out, nil
}

// outBytes is the size of the result, padding included.
func (p *program) outBytes() int { return 4 * p.out.Rows * padded(p.out.Cols) }

// submit has spans run in one pass. After the last command of p, the result is copied to where it can be read.
func (p *program) submit(spans []span) error {
	if err := p.d.alive(); err != nil {
		return err
	}
	if p.d.profile == nil {
		return p.d.submit(spans)
	}
	for _, s := range spans {
		if err := p.d.profiled(s); err != nil {
			return err
		}
	}
	return nil
}

// upTo is where a submit ends that begins with the command next: before what waits for weights, or where it would take
// too long. Long says that of the latter.
func (p *program) upTo(next int) (end int, long bool) {
	flop := 0.0
	for end = next; end < len(p.commands) && ready(p.commands[end]); end++ {
		flop += p.commands[end].flop
		if end > next && flop > p.d.maxSubmit() {
			return end, true
		}
	}
	return end, false
}

func ready(c *command) bool {
	for _, w := range c.needs {
		if !w.Ready() {
			return false
		}
	}
	return true
}

// Release frees the program's buffers.
func (p *program) Release() {
	for _, c := range p.commands {
		if c.group != nil {
			c.group.Release()
		}
	}
	for _, b := range p.buffers {
		release(b)
	}
	p.buffers = nil
}
