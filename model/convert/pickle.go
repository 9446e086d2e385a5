package convert

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// What follows reads the files that torch.save writes: a zip archive with a pickle, data.pkl, that describes the
// tensors, and one stored (not compressed) entry for the bytes of each storage. A pickle is a program for a stack
// machine that may import and call anything. This reader knows the few instructions that tensors need and eight
// names; it gives each name a meaning of its own, calls nothing, and refuses all else.

// maxPickle bounds data.pkl; a model of a thousand tensors has about 200 KB of it.
const maxPickle = 16 << 20

// readTorch lists the tensors of a file written by torch.save: of a state dict, or of a training checkpoint's
// "state_dict".
func readTorch(file string, r io.ReaderAt, size int64) (map[string]*tensor, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		var head [2]byte
		if r.ReadAt(head[:], 0); head[0] == 0x80 {
			return nil, bad(file, "", "a torch.save file from before PyTorch 1.6 is not supported: load it and save it again")
		}
		return nil, &CheckpointError{File: file, Problem: "not a torch.save file: " + err.Error(), Err: err}
	}
	t := &torchFile{file: file, r: r, size: size, entries: make(map[string]*zip.File)}
	var program *zip.File
	for _, e := range archive.File {
		if path.Base(e.Name) == "data.pkl" && strings.Count(e.Name, "/") == 1 {
			if program != nil {
				return nil, bad(file, e.Name, "a second data.pkl")
			}
			program = e
			t.root = path.Dir(e.Name)
		}
		t.entries[e.Name] = e
	}
	if program == nil {
		return nil, bad(file, "", "has no data.pkl: not a torch.save file")
	}
	if order := t.entries[t.root+"/byteorder"]; order != nil {
		b, err := t.entry(order, 16)
		if err != nil {
			return nil, err
		}
		if string(b) != "little" {
			return nil, bad(file, "byteorder", "%q is not supported, only little-endian is", b)
		}
	}
	text, err := t.entry(program, maxPickle)
	if err != nil {
		return nil, err
	}
	result, err := unpickle(text, t.storage)
	if err != nil {
		return nil, &CheckpointError{File: file, What: "data.pkl", Problem: err.Error(), Err: err}
	}
	dict, ok := result.(*pickleDict)
	if !ok {
		return nil, bad(file, "data.pkl", "holds no state dict but %s", kind(result))
	}
	if inner, ok := dict.get("state_dict").(*pickleDict); ok {
		dict = inner
	}
	tensors := make(map[string]*tensor)
	for i, k := range dict.keys {
		name, ok := k.(string)
		x, isTensor := dict.values[i].(*tensor)
		if !ok || !isTensor {
			continue // versions, epochs
		}
		named := *x // storages may be shared, so one tensor may have several names
		named.name = strings.TrimPrefix(name, "module.")
		named.file = file
		tensors[named.name] = &named
	}
	if len(tensors) == 0 {
		return nil, bad(file, "data.pkl", "holds no tensor")
	}
	return tensors, nil
}

type torchFile struct {
	file    string
	r       io.ReaderAt
	size    int64
	root    string
	entries map[string]*zip.File
}

// span is where a stored entry's bytes lie in the file.
func (t *torchFile) span(e *zip.File) (at, n int64, err error) {
	if e.Method != zip.Store || e.UncompressedSize64 != e.CompressedSize64 {
		return 0, 0, bad(t.file, clip(e.Name), "is compressed, torch.save stores")
	}
	at, err = e.DataOffset()
	if err != nil {
		return 0, 0, &CheckpointError{File: t.file, What: clip(e.Name), Problem: err.Error(), Err: err}
	}
	if n := e.UncompressedSize64; at < 0 || at > t.size || n > uint64(t.size-at) {
		return 0, 0, bad(t.file, clip(e.Name), "lies beyond the end of the file")
	}
	return at, int64(e.UncompressedSize64), nil
}

func (t *torchFile) entry(e *zip.File, most int64) ([]byte, error) {
	at, n, err := t.span(e)
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, bad(t.file, clip(e.Name), "%d bytes, at most %d are read", n, most)
	}
	b := make([]byte, n)
	if k, err := t.r.ReadAt(b, at); k < len(b) {
		return nil, &CheckpointError{File: t.file, What: clip(e.Name), Problem: err.Error(), Err: err}
	}
	return b, nil
}

// storage finds the bytes that a pickle's persistent id names.
func (t *torchFile) storage(key string, d dtype, values int64) (*tensor, error) {
	e := t.entries[t.root+"/data/"+key]
	if e == nil {
		return nil, fmt.Errorf("storage %q is not in the file", clip(key))
	}
	at, n, err := t.span(e)
	if err != nil {
		return nil, err
	}
	if values < 0 || values > n/dtypeSize[d] {
		return nil, fmt.Errorf("storage %q: %d values of %s in %d bytes", clip(key), values, d, n)
	}
	return &tensor{dtype: d, shape: []int{int(values)}, r: t.r, at: at}, nil
}

// Values on the pickle machine's stack: nil, bool, int64, float64, string, pickleTuple, *pickleList, *pickleDict,
// pickleName, and *tensor for both storages (one dimension) and tensors.
type (
	pickleTuple []any
	pickleList  struct{ items []any }
	pickleDict  struct{ keys, values []any }
	// pickleName is what a known global means.
	pickleName struct {
		name  string
		class dtype                               // a storage's type
		call  func(args pickleTuple) (any, error) // a function's meaning
	}
)

func (d *pickleDict) get(key string) any {
	for i, k := range d.keys {
		if k == key {
			return d.values[i]
		}
	}
	return nil
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case *tensor:
		return "a tensor"
	case *pickleList, pickleTuple:
		return "a sequence"
	case *pickleDict:
		return "a dict"
	case pickleName:
		return "a name"
	case *pickleStorage:
		return "a storage"
	}
	return "a scalar"
}

// pickleStorage tells a storage from a tensor.
type pickleStorage struct{ *tensor }

// pickleNames are the only globals that a pickle may mention.
var pickleNames = map[string]pickleName{
	"torch._utils _rebuild_tensor_v2": {call: rebuildTensor},
	"torch._utils _rebuild_parameter": {call: rebuildParameter},
	"collections OrderedDict":         {call: newDict},
	"torch FloatStorage":              {class: f32},
	"torch HalfStorage":               {class: f16},
	"torch BFloat16Storage":           {class: bf16},
	"torch DoubleStorage":             {class: f64},
	"torch LongStorage":               {class: "I64"},
	"torch IntStorage":                {class: "I32"},
	"torch ByteStorage":               {class: "U8"},
	"torch BoolStorage":               {class: "BOOL"},
}

func newDict(args pickleTuple) (any, error) {
	if len(args) != 0 {
		return nil, errors.New("OrderedDict with arguments is not supported")
	}
	return new(pickleDict), nil
}

// rebuildTensor makes a view of a storage: (storage, offset, size, stride, …), all in values.
func rebuildTensor(args pickleTuple) (any, error) {
	if len(args) < 4 {
		return nil, errors.New("_rebuild_tensor_v2 with too few arguments")
	}
	storage, ok := args[0].(*pickleStorage)
	offset, ok1 := args[1].(int64)
	size, ok2 := args[2].(pickleTuple)
	stride, ok3 := args[3].(pickleTuple)
	if !ok || !ok1 || !ok2 || !ok3 || len(size) != len(stride) || len(size) > 8 || offset < 0 {
		return nil, errors.New("_rebuild_tensor_v2 with arguments of wrong types")
	}
	t := &tensor{dtype: storage.dtype, r: storage.r, shape: make([]int, len(size)), strides: make([]int, len(size))}
	have := int64(storage.shape[0])
	sizes, strides := make([]int64, len(size)), make([]int64, len(size))
	for i := range size {
		n, ok := size[i].(int64)
		s, ok1 := stride[i].(int64)
		if !ok || !ok1 {
			return nil, errors.New("_rebuild_tensor_v2 with a size or stride that is no integer")
		}
		sizes[i], strides[i] = n, s
	}
	tooLarge := func() error {
		return fmt.Errorf("a tensor of size %v, strides %v at %d does not fit its storage of %d values", sizes, strides, offset, have)
	}
	contiguous, want := true, int64(1)
	last := offset // index of the last value
	for i := len(size) - 1; i >= 0; i-- {
		n, s := sizes[i], strides[i]
		if n < 0 || s < 0 {
			return nil, tooLarge()
		}
		t.shape[i] = int(n)
		if n <= 1 {
			continue // its stride is never used
		}
		// By division, as the products may not fit.
		if n > have/want || s > have || n-1 > (have-last)/max(s, 1) {
			return nil, tooLarge()
		}
		contiguous = contiguous && s == want
		t.strides[i] = int(s)
		last += (n - 1) * s
		want *= n
	}
	if n := t.len(); n > 0 && last >= have {
		return nil, tooLarge()
	}
	if contiguous {
		t.strides = nil
	}
	if t.len() > 0 {
		t.at = storage.at + offset*dtypeSize[t.dtype]
	}
	return t, nil
}

// rebuildParameter is (data, requires_grad, hooks): the data.
func rebuildParameter(args pickleTuple) (any, error) {
	if len(args) == 3 {
		if t, ok := args[0].(*tensor); ok {
			return t, nil
		}
	}
	return nil, errors.New("_rebuild_parameter with arguments of wrong types")
}

// unpickler is the stack machine.
type unpickler struct {
	in      *bytes.Reader
	stack   []any
	marks   []int // heights of the stack
	memo    map[uint32]any
	storage func(key string, d dtype, values int64) (*tensor, error)
}

// unpickle runs a pickle (protocols 2 to 5, as far as torch.save uses them). Memory and time are bounded by the
// pickle's length: no instruction makes more than it takes from the input or the stack.
func unpickle(text []byte, storage func(key string, d dtype, values int64) (*tensor, error)) (any, error) {
	u := &unpickler{in: bytes.NewReader(text), memo: make(map[uint32]any), storage: storage}
	for {
		at := len(text) - u.in.Len()
		op, err := u.in.ReadByte()
		if err != nil {
			return nil, errors.New("the pickle ends without a result")
		}
		if op == '.' {
			return u.pop()
		}
		if err := u.step(op); err != nil {
			return nil, fmt.Errorf("byte %d: %w", at, err)
		}
	}
}

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return nil
}

var errStack = errors.New("the stack is empty")

func (u *unpickler) floor() int {
	if len(u.marks) > 0 {
		return u.marks[len(u.marks)-1]
	}
	return 0
}

func (u *unpickler) pop() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errStack
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errStack
	}
	return u.stack[len(u.stack)-1], nil
}

// popMark takes everything above the last mark off the stack.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errors.New("no mark on the stack")
	}
	from := u.floor()
	u.marks = u.marks[:len(u.marks)-1]
	items := append([]any(nil), u.stack[from:]...)
	u.stack = u.stack[:from]
	return items, nil
}

func (u *unpickler) popTuple(n int) error {
	if len(u.stack)-u.floor() < n {
		return errStack
	}
	from := len(u.stack) - n
	items := append(pickleTuple(nil), u.stack[from:]...)
	u.stack = u.stack[:from]
	return u.push(items)
}

// number reads n little-endian bytes.
func (u *unpickler) number(n int) (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(u.in, b[:n]); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// text reads a string whose length stands before it in n bytes.
func (u *unpickler) text(n int) (string, error) {
	size, err := u.number(n)
	if err != nil {
		return "", err
	}
	if size > uint64(u.in.Len()) {
		return "", io.ErrUnexpectedEOF
	}
	b := make([]byte, size)
	io.ReadFull(u.in, b)
	return string(b), nil
}

// line reads up to a line's end.
func (u *unpickler) line() (string, error) {
	var b []byte
	for {
		c, err := u.in.ReadByte()
		if err != nil {
			return "", io.ErrUnexpectedEOF
		}
		if c == '\n' {
			return string(b), nil
		}
		b = append(b, c)
	}
}

func (u *unpickler) global(module, name string) error {
	key := module + " " + name
	g, ok := pickleNames[key]
	if !ok {
		return fmt.Errorf("it wants %q, which a file of plain tensors does not need", clip(module+"."+name))
	}
	g.name = key
	return u.push(g)
}

func (u *unpickler) remember(index uint64) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	u.memo[uint32(index)] = v
	return nil
}

func (u *unpickler) recall(index uint64) error {
	v, ok := u.memo[uint32(index)]
	if !ok {
		return fmt.Errorf("memo %d is empty", index)
	}
	return u.push(v)
}

// step runs one instruction. The names in the comments are those of Python's pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := u.number(1)
		if err == nil && (v < 2 || v > 5) {
			err = fmt.Errorf("pickle protocol %d is not supported", v)
		}
		return err
	case 0x95: // FRAME
		_, err := u.number(8)
		return err
	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
		return nil
	case '}': // EMPTY_DICT
		return u.push(new(pickleDict))
	case ']': // EMPTY_LIST
		return u.push(new(pickleList))
	case ')': // EMPTY_TUPLE
		return u.push(pickleTuple{})
	case '0': // POP
		_, err := u.pop()
		return err
	case 'N': // NONE
		return u.push(nil)
	case 0x88: // NEWTRUE
		return u.push(true)
	case 0x89: // NEWFALSE
		return u.push(false)
	case 'K': // BININT1
		v, err := u.number(1)
		return errors.Join(err, u.push(int64(v)))
	case 'M': // BININT2
		v, err := u.number(2)
		return errors.Join(err, u.push(int64(v)))
	case 'J': // BININT
		v, err := u.number(4)
		return errors.Join(err, u.push(int64(int32(v))))
	case 0x8a: // LONG1
		n, err := u.number(1)
		if err != nil {
			return err
		}
		if n > 8 {
			return fmt.Errorf("an integer of %d bytes", n)
		}
		v, err := u.number(int(n))
		shift := 64 - 8*n // sign-extend
		return errors.Join(err, u.push(int64(v<<shift)>>shift))
	case 'G': // BINFLOAT: no tensor needs its value
		_, err := u.number(8)
		return errors.Join(err, u.push(float64(0)))
	case 'X': // BINUNICODE
		s, err := u.text(4)
		return errors.Join(err, u.push(s))
	case 0x8c: // SHORT_BINUNICODE
		s, err := u.text(1)
		return errors.Join(err, u.push(s))
	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.global(module, name)
	case 0x93: // STACK_GLOBAL
		name, err := u.pop()
		module, err1 := u.pop()
		if err := errors.Join(err, err1); err != nil {
			return err
		}
		m, ok := module.(string)
		n, ok1 := name.(string)
		if !ok || !ok1 {
			return errors.New("a global that is no name")
		}
		return u.global(m, n)
	case 'q': // BINPUT
		i, err := u.number(1)
		return errors.Join(err, u.remember(i))
	case 'r': // LONG_BINPUT
		i, err := u.number(4)
		return errors.Join(err, u.remember(i))
	case 0x94: // MEMOIZE
		return u.remember(uint64(len(u.memo)))
	case 'h': // BINGET
		i, err := u.number(1)
		if err != nil {
			return err
		}
		return u.recall(i)
	case 'j': // LONG_BINGET
		i, err := u.number(4)
		if err != nil {
			return err
		}
		return u.recall(i)
	case 't': // TUPLE
		items, err := u.popMark()
		return errors.Join(err, u.push(pickleTuple(items)))
	case 0x85: // TUPLE1
		return u.popTuple(1)
	case 0x86: // TUPLE2
		return u.popTuple(2)
	case 0x87: // TUPLE3
		return u.popTuple(3)
	case 'a': // APPEND
		v, err := u.pop()
		if err != nil {
			return err
		}
		return u.extend([]any{v})
	case 'e': // APPENDS
		items, err := u.popMark()
		if err != nil {
			return err
		}
		return u.extend(items)
	case 's': // SETITEM
		v, err := u.pop()
		k, err1 := u.pop()
		if err := errors.Join(err, err1); err != nil {
			return err
		}
		return u.set([]any{k, v})
	case 'u': // SETITEMS
		items, err := u.popMark()
		if err != nil {
			return err
		}
		return u.set(items)
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return err
		}
		return u.persistent(id)
	case 'R': // REDUCE
		args, err := u.pop()
		f, err1 := u.pop()
		if err := errors.Join(err, err1); err != nil {
			return err
		}
		name, ok := f.(pickleName)
		list, ok1 := args.(pickleTuple)
		if !ok || !ok1 || name.call == nil {
			return fmt.Errorf("a call of %s", kind(f))
		}
		v, err := name.call(list)
		if err != nil {
			return err
		}
		return u.push(v)
	case 'b': // BUILD: attributes (_metadata of a state dict), which no tensor needs
		if _, err := u.pop(); err != nil {
			return err
		}
		v, err := u.top()
		if err != nil {
			return err
		}
		if _, ok := v.(*pickleDict); !ok {
			return fmt.Errorf("attributes of %s", kind(v))
		}
		return nil
	}
	return fmt.Errorf("instruction %#x is not supported", op)
}

func (u *unpickler) extend(items []any) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	list, ok := v.(*pickleList)
	if !ok {
		return fmt.Errorf("items for %s", kind(v))
	}
	list.items = append(list.items, items...)
	return nil
}

func (u *unpickler) set(items []any) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	dict, ok := v.(*pickleDict)
	if !ok || len(items)%2 != 0 {
		return fmt.Errorf("keys for %s", kind(v))
	}
	for i := 0; i < len(items); i += 2 {
		dict.keys, dict.values = append(dict.keys, items[i]), append(dict.values, items[i+1])
	}
	return nil
}

// persistent resolves ("storage", class, key, location, values).
func (u *unpickler) persistent(id any) error {
	t, ok := id.(pickleTuple)
	if !ok || len(t) != 5 || t[0] != "storage" {
		return errors.New("a persistent id that is no storage")
	}
	class, ok := t[1].(pickleName)
	key, ok1 := t[2].(string)
	n, ok2 := t[4].(int64)
	if !ok || !ok1 || !ok2 || class.class == "" {
		return errors.New("a storage with fields of wrong types")
	}
	s, err := u.storage(key, class.class, n)
	if err != nil {
		return err
	}
	return u.push(&pickleStorage{s})
}
