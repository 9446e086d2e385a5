package simd

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// opcode is a kernel's place in the module's table.
type opcode uint32

const (
	opGEMM opcode = 1 + iota
	opLayerNorm
	opAttention
	opPatches
	opEmbed
	opTokens
	opAvgPool
	opRows
	opNormalize
	opHorizontal
	opVertical
	opWinograd
	opCausal
	opHeads
)

// commandBytes is the size of a command: the opcode, its arguments, and how it is shared out.
const commandBytes = 80

const (
	// mostPieces is how many pieces a command is cut into at most: enough for the last ones to even out what threads
	// have done.
	mostPieces = 32
	// pieceTime is what a piece takes at least. Below it, handing it over counts.
	pieceTime = 10 * time.Microsecond
	// wakingTime is what a program takes at least, on one thread, to wake the others where they sleep: see serve in
	// kernels.wat.
	wakingTime = 10 * time.Millisecond
)

// slot is the storage of a recorded tensor; its address is known when the recording is complete.
type slot struct {
	size        uint64 // bytes
	first, last int    // commands that write it first and read it last
	number      int    // in recorder.slots, from 1; 0: the address is known
	at          uint32
}

// argument is a word of a command: a number, or an offset from the address of the slot that has a number.
type argument struct {
	slot  int32
	value uint32
}

func number[T ~int | ~uint32](v T) argument { return argument{value: uint32(v)} }

// table is a list of row addresses for the matrix kernel, made once slots have theirs: [block][segment][4].
type table struct {
	at   uint32
	rows func(row, segment int) uint32
	n    int // rows
	segs int
}

type command struct {
	op    opcode
	args  []argument
	needs []*model.Param
	work  model.Work // of its operation, the rest of it for an operation's further commands; or its own, if it did say
	most  int        // pieces that it can usefully be cut into

	pieces int  // that threads share it out by
	wakes  bool // those that sleep
}

// seconds is about what the command takes on one thread: at the matrix kernel's rate, or that of what is busy with
// memory.
func (c *command) seconds() float64 { return max(c.work.FLOP/40e9, c.work.Bytes/10e9) }

// share sets how threads are to share each command out.
func share(commands []command) {
	total := 0.0
	for _, c := range commands {
		total += c.seconds()
	}
	for i := range commands {
		c := &commands[i]
		if c.work == (model.Work{}) { // not metered
			c.pieces, c.wakes = c.most, true
			continue
		}
		c.pieces = min(max(int(c.seconds()/pieceTime.Seconds()), 1), c.most)
		c.wakes = total >= wakingTime.Seconds()
	}
}

// recorder implements model.Ops by writing commands down. A Tensor's Data is its *slot; Indices', Tokens' and Pixels' is
// an address.
type recorder struct {
	d        *Device
	commands []command
	slots    []*slot
	tables   []table
	blocks   []uint32 // of memory that the program owns
}

// metered is r, which notes what work its commands are.
func (r *recorder) metered() model.Ops {
	return model.Metered(r, func(w model.Work) func() {
		first := len(r.commands)
		return func() {
			for i := first; i < len(r.commands); i++ {
				w.Share(&r.commands[i].work)
			}
		}
	})
}

var _ model.Ops = (*recorder)(nil)

// tensor reserves a matrix that the next command writes.
func (r *recorder) tensor(rows, cols int) model.Tensor {
	return model.Tensor{Rows: rows, Cols: cols, Data: r.slot(4 * rows * padded(cols))}
}

// slot reserves bytes for the next command, and for those that are still to read them.
func (r *recorder) slot(bytes int) *slot {
	s := &slot{size: uint64(bytes), first: len(r.commands), last: len(r.commands), number: len(r.slots) + 1}
	r.slots = append(r.slots, s)
	return s
}

// address is a tensor's as an argument of the next command, which reads or writes it.
func (r *recorder) address(t model.Tensor) argument {
	s := t.Data.(*slot)
	s.last = len(r.commands)
	return argument{int32(s.number), s.at}
}

// scratch reserves memory for the next command alone, so many bytes for each thread.
func (r *recorder) scratch(bytes int) argument {
	return argument{slot: int32(r.slot(bytes * r.d.m.threads()).number)}
}

// fixed reserves memory that the program keeps to itself.
func (r *recorder) fixed(size uint64) uint32 {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	at, _, err := r.d.memory.alloc(size)
	if err != nil {
		model.Fail(fmt.Errorf("simd: %w", err))
	}
	r.blocks = append(r.blocks, at)
	return at
}

// constant puts words into memory that the program keeps.
func (r *recorder) constant(v ...uint32) uint32 {
	at := r.fixed(4 * uint64(len(v)))
	r.d.m.write(at, words(v...))
	return at
}

// Index implements model.Ops.
func (r *recorder) Index(v []uint32) model.Indices {
	return model.Indices{N: len(v), Data: r.constant(v...)}
}

func (r *recorder) emit(op opcode, needs []*model.Param, args ...argument) {
	model.Check(4+4*len(args)+4 <= commandBytes, "simd", "%d arguments", len(args))
	r.commands = append(r.commands, command{op: op, args: args, needs: needs, most: mostPieces})
}

// did says what the last command does, of an operation that is made in another way than it is defined.
func (r *recorder) did(part string, flop, bytes float64) {
	r.commands[len(r.commands)-1].work = model.Work{Op: part, FLOP: flop, Bytes: bytes}
}

// param is where a parameter lies, which must have the form that the operation reads.
func param(p *model.Param, f form) argument {
	s := p.Data.(*storage)
	model.Check(s.form == f, "simd", "%s %v is kept in another form than it is used in", p.Name, p.Shape)
	return number(s.at)
}

// program is a recording that can be run again and again.
type program struct {
	d      *Device
	needs  [][]*model.Param // of each command
	work   []model.Work     // of each command
	at     uint32           // of the commands
	out    model.Tensor
	blocks []uint32
}

// record runs build over a recorder, shares memory out, and writes the commands.
func (d *Device) record(build func(r *recorder) model.Tensor) (p *program, err error) {
	r := &recorder{d: d}
	p = &program{d: d}
	defer func() {
		p.blocks = r.blocks
		if err != nil {
			p.Release()
		}
	}()
	defer model.Catch(&err)
	p.out = build(r)
	p.out.Data.(*slot).last = len(r.commands) // read back at the end

	lives := make([]recording.Life, len(r.slots))
	for i, s := range r.slots {
		lives[i] = recording.Life{Size: s.size, First: s.first, Last: s.last}
	}
	which, sizes := recording.Share(lives)
	storages := make([]uint32, len(sizes))
	for i, size := range sizes {
		// The matrix kernel reads whole vectors, and rows in fours.
		storages[i] = r.fixed(size)
	}
	for i, s := range r.slots {
		s.at = storages[which[i]]
	}
	for _, t := range r.tables {
		d.m.write(t.at, words(t.addresses()...))
	}
	share(r.commands)
	var text []byte
	for _, c := range r.commands {
		line := binary.LittleEndian.AppendUint32(nil, uint32(c.op))
		for _, a := range c.args {
			v := a.value
			if a.slot != 0 {
				v += r.slots[a.slot-1].at
			}
			line = binary.LittleEndian.AppendUint32(line, v)
		}
		text = append(append(text, line...), make([]byte, commandBytes-4-len(line))...)
		shared := uint32(c.pieces)
		if c.wakes {
			shared |= 1 << 16
		}
		text = binary.LittleEndian.AppendUint32(text, shared)
		p.needs = append(p.needs, c.needs)
		p.work = append(p.work, c.work)
	}
	p.at = r.fixed(uint64(len(text)))
	d.m.write(p.at, text)
	return p, nil
}

// addresses fills the last block with the last row again.
func (t table) addresses() []uint32 {
	var v []uint32
	for block := 0; block < t.n; block += 4 {
		for s := range t.segs {
			for i := range 4 {
				v = append(v, t.rows(min(block+i, t.n-1), s))
			}
		}
	}
	return v
}

// restFLOP is how much is computed without a rest, in which an abort can arrive: half a second on one slow thread.
const restFLOP = 10e9

// run runs the commands and returns the result's rows, without padding. Where weights are still on their way it runs
// what can be run and waits for them.
func (p *program) run(ctx context.Context) ([]float32, error) {
	for next := 0; next < len(p.needs); {
		end := next
		for flop := 0.0; end < len(p.needs) && flop < restFLOP && ready(p.needs[end]); end++ {
			flop += p.work[end].FLOP
		}
		if end == next {
			for _, w := range p.needs[next] {
				if err := w.Wait(ctx); err != nil {
					return nil, err
				}
			}
			continue
		}
		if next > 0 {
			p.d.m.rest()
		}
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if err := p.runCommands(next, end); err != nil {
			return nil, fmt.Errorf("simd: %w", err)
		}
		next = end
	}
	raw := p.read()
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out, nil
}

// read returns the result's rows, without padding.
func (p *program) read() []byte {
	row, pitch := 4*p.out.Cols, 4*padded(p.out.Cols)
	raw := make([]byte, p.out.Rows*pitch)
	p.d.m.read(p.out.Data.(*slot).at, raw)
	if row == pitch {
		return raw
	}
	for i := range p.out.Rows {
		copy(raw[i*row:], raw[i*pitch:][:row])
	}
	return raw[:p.out.Rows*row]
}

// runCommands runs the commands [from, to): together, or one by one to see how long each takes.
func (p *program) runCommands(from, to int) error {
	if p.d.profile == nil {
		return p.d.m.run(p.command(from), p.command(to))
	}
	for i := from; i < to; i++ {
		began := time.Now()
		if err := p.d.m.run(p.command(i), p.command(i+1)); err != nil {
			return err
		}
		p.d.profile.Add(p.work[i], time.Since(began))
	}
	return nil
}

// command is where a command lies.
func (p *program) command(i int) uint32 { return p.at + uint32(i*commandBytes) }

func ready(needs []*model.Param) bool {
	for _, p := range needs {
		if !p.Ready() {
			return false
		}
	}
	return true
}

// Release gives the program's memory back.
func (p *program) Release() {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	for _, at := range p.blocks {
		p.d.memory.release(at)
	}
	p.blocks = nil
}
