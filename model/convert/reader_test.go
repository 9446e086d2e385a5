package convert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
)

func TestSafetensorsRefuses(t *testing.T) {
	one := func(fields string) []byte { return withHeader([]byte(`{"x": {`+fields+`}}`), make([]byte, 8)) }
	good := one(`"dtype": "F32", "shape": [2], "data_offsets": [0, 8]`)
	if _, err := readSafetensors("f", bytes.NewReader(good), int64(len(good))); err != nil {
		t.Fatal(err)
	}
	bomb := binary.LittleEndian.AppendUint64(nil, 1<<40)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "too few"},
		{"header longer than the file", withHeader([]byte("{}"), nil)[:9], "does not fit"},
		{"header bomb", append(bomb, "{}"...), "does not fit"},
		{"negative header", append(bytes.Repeat([]byte{0xff}, 8), "{}"...), "does not fit"},
		{"no JSON", withHeader([]byte("{x"), nil), "no JSON object"},
		{"a list", withHeader([]byte("[]"), nil), "no JSON object"},
		{"odd dtype", one(`"dtype": "F12", "shape": [2], "data_offsets": [0, 8]`), `tensor x: dtype "F12"`},
		{"no dtype", one(`"shape": [2], "data_offsets": [0, 8]`), "tensor x: dtype"},
		{"negative dimension", one(`"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]`), "tensor x: shape"},
		{"dimensions that overflow", one(`"dtype": "F32", "shape": [4294967296, 4294967296, 2], "data_offsets": [0, 8]`), "tensor x: shape"},
		{"fractional dimension", one(`"dtype": "F32", "shape": [1.5], "data_offsets": [0, 8]`), "tensor x"},
		{"nine dimensions", one(`"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,2], "data_offsets": [0, 8]`), "tensor x: shape"},
		{"beyond the end", one(`"dtype": "F32", "shape": [4], "data_offsets": [0, 16]`), "tensor x: lies at"},
		{"backwards", one(`"dtype": "F32", "shape": [2], "data_offsets": [8, 0]`), "tensor x: lies at"},
		{"negative offset", one(`"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]`), "tensor x: lies at"},
		{"one offset", one(`"dtype": "F32", "shape": [2], "data_offsets": [0]`), "tensor x: data_offsets"},
		{"size and shape disagree", one(`"dtype": "F32", "shape": [1], "data_offsets": [0, 8]`), "tensor x: 8 bytes"},
		{"gap", one(`"dtype": "F32", "shape": [1], "data_offsets": [4, 8]`), "unused bytes before"},
		{"rest", one(`"dtype": "F32", "shape": [1], "data_offsets": [0, 4]`), "unused bytes at the end"},
		{"overlap", withHeader([]byte(`{"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "y": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}`), make([]byte, 8)), "tensor y: overlaps"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := readSafetensors("f.safetensors", bytes.NewReader(test.data), int64(len(test.data)))
			var broken *CheckpointError
			if !errors.As(err, &broken) || broken.File != "f.safetensors" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// pickled is a pickle of protocol 2 made by write.
func pickled(write func(p *pickler)) []byte {
	var p pickler
	p.Write([]byte{0x80, 2})
	write(&p)
	p.WriteByte('.')
	return p.Bytes()
}

func TestTorchRefuses(t *testing.T) {
	storage := constant(1, 6).stored(f32) // six values
	dict := func(value func(p *pickler)) []byte {
		return pickled(func(p *pickler) {
			p.WriteByte('}')
			p.text("x")
			value(p)
			p.WriteByte('s')
		})
	}
	view := func(n, offset int, size, stride []int) []byte {
		return dict(func(p *pickler) { p.view("FloatStorage", "0", n, offset, size, stride) })
	}
	call := func(module, name string) []byte {
		return dict(func(p *pickler) {
			p.global(module, name)
			p.text("echo hello")
			p.WriteString("\x85R")
		})
	}
	file := func(pickle []byte) []byte {
		return zipped(map[string][]byte{"data.pkl": pickle, "data/0": storage})
	}
	if tensors, err := read(file(view(6, 0, []int{2, 3}, []int{3, 1}))); err != nil || tensors["x"] == nil {
		t.Fatalf("%v, %v", tensors, err)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"no archive", []byte("hello"), "not a torch.save file"},
		{"before PyTorch 1.6", []byte{0x80, 2, 0x8a, 10, 0x6c, 0xfc}, "before PyTorch 1.6"},
		{"no pickle", zipped(map[string][]byte{"data/0": storage}), "no data.pkl"},
		{"big-endian", zipped(map[string][]byte{"data.pkl": view(6, 0, []int{6}, []int{1}), "data/0": storage, "byteorder": []byte("big")}), "byteorder"},
		{"a shell", file(call("os", "system")), `"os.system"`},
		{"eval", file(call("builtins", "eval")), `"builtins.eval"`},
		{"a module of torch", file(call("torch.nn.modules.linear", "Linear")), `"torch.nn.modules.linear.Linear"`},
		{"TorchScript", file(call("__torch__", "CLIP")), `"__torch__.CLIP"`},
		{"a storage called", file(call("torch", "FloatStorage")), "a call of a name"},
		{"an instruction unknown", file(pickled(func(p *pickler) { p.WriteByte('i') })), "instruction 0x69"},
		{"protocol 0", file([]byte{0x80, 0, '.'}), "protocol 0"},
		{"no result", file([]byte{0x80, 2}), "without a result"},
		{"an empty stack", file([]byte{0x80, 2, '.'}), "stack is empty"},
		{"items above a mark only", file(pickled(func(p *pickler) { p.WriteString("}(s") })), "stack is empty"},
		{"no mark", file(pickled(func(p *pickler) { p.WriteString("}u") })), "no mark"},
		{"an empty memo", file(pickled(func(p *pickler) { p.WriteString("h\x07") })), "memo 7"},
		{"a long string", file(pickled(func(p *pickler) { p.WriteString("X\xff\xff\xff\xff") })), "EOF"},
		{"a list", file(pickled(func(p *pickler) { p.WriteByte(']') })), "no state dict but a sequence"},
		{"no tensors", file(pickled(func(p *pickler) { p.WriteByte('}') })), "holds no tensor"},
		{"storage not there", file(dict(func(p *pickler) { p.view("FloatStorage", "9", 6, 0, []int{6}, []int{1}) })), `storage "9"`},
		{"storage too short", file(view(7, 0, []int{7}, []int{1})), "7 values of F32 in 24 bytes"},
		{"storage of another type", file(dict(func(p *pickler) { p.view("ComplexFloatStorage", "0", 6, 0, []int{6}, []int{1}) })), "ComplexFloatStorage"},
		{"beyond its storage", file(view(6, 1, []int{6}, []int{1})), "does not fit its storage"},
		{"far beyond its storage", file(view(6, 1<<30, []int{1}, []int{1})), "does not fit its storage"},
		{"strides beyond it", file(view(6, 0, []int{2, 3}, []int{4, 1})), "does not fit its storage"},
		{"expanded", file(view(6, 0, []int{6, 6}, []int{0, 1})), "does not fit its storage"},
		{"negative stride", file(view(6, 5, []int{6}, []int{-1})), "does not fit its storage"},
		{"negative size", file(view(6, 0, []int{-6}, []int{1})), "does not fit its storage"},
		{"sizes that overflow", file(view(6, 0, []int{1 << 30, 1 << 30, 1 << 30}, []int{0, 0, 0})), "does not fit its storage"},
		{"size and stride of two lengths", file(view(6, 0, []int{6}, []int{1, 1})), "wrong types"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := read(test.data)
			var broken *CheckpointError
			if !errors.As(err, &broken) || broken.File != "f.bin" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func read(data []byte) (map[string]*tensor, error) {
	return readTorch("f.bin", bytes.NewReader(data), int64(len(data)))
}

// A pickle may refer to one tuple many times: printing or copying such a thing takes forever.
func TestNestedTuplesTakeNoTime(t *testing.T) {
	data := pickled(func(p *pickler) {
		p.WriteString("K\x01")
		for range 200 {
			p.WriteString("q\x00h\x00\x86") // (previous, previous)
		}
		p.WriteString("\x85q\x000") // as a size, kept
		p.global("torch._utils", "_rebuild_tensor_v2")
		p.WriteString("((")
		p.text("storage")
		p.global("torch", "FloatStorage")
		p.text("0")
		p.text("cpu")
		p.int(6)
		p.WriteString("tQK\x00h\x00h\x00tR")
	})
	_, err := unpickle(data, func(string, dtype, int64) (*tensor, error) {
		return &tensor{dtype: f32, shape: []int{6}}, nil
	})
	if err == nil || !strings.Contains(err.Error(), "no integer") {
		t.Errorf("%v", err)
	}
}

func TestTrainingCheckpointsAreUnwrapped(t *testing.T) {
	data := zipped(map[string][]byte{"data/0": filled(2, 2).stored(f16), "data.pkl": pickled(func(p *pickler) {
		p.WriteString("}(")
		p.text("epoch")
		p.int(32)
		p.text("loss")
		p.WriteString("G\x3f\xf0\x00\x00\x00\x00\x00\x00")
		p.text("big")
		p.WriteString("\x8a\x05\x01\x02\x03\x04\x85") // a negative LONG1
		p.text("state_dict")
		p.WriteByte('}')
		p.text("module.visual.proj")
		p.view("HalfStorage", "0", 4, 0, []int{2, 2}, []int{2, 1})
		p.WriteString("su")
	})})
	tensors, err := read(data)
	if err != nil || len(tensors) != 1 || tensors["visual.proj"] == nil {
		t.Fatalf("%v, %v", tensors, err)
	}
	got := make([]float32, 4)
	if err := tensors["visual.proj"].read(got, 0); err != nil || !slices.Equal(got, filled(2, 2).values) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestStridedViews(t *testing.T) {
	a := filled(4, 6)
	data := zipped(map[string][]byte{"data/0": a.stored(f32), "data.pkl": pickled(func(p *pickler) {
		p.WriteByte('}')
		for name, v := range map[string][3][]int{ // offset, size, stride
			"rows":       {{6}, {2, 6}, {6, 1}},
			"columns":    {{2}, {4, 2}, {6, 1}},
			"transposed": {{0}, {6, 4}, {1, 6}},
			"scalar":     {{7}, {}, {}},
			"none":       {{0}, {0, 6}, {6, 1}},
			"every two":  {{1}, {2, 1, 3}, {12, 99, 2}},
		} {
			p.text(name)
			p.view("FloatStorage", "0", 24, v[0][0], v[1], v[2])
			p.WriteByte('s')
		}
	})})
	tensors, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]func(i int) int{
		"rows":       func(i int) int { return 6 + i },
		"columns":    func(i int) int { return 2 + i/2*6 + i%2 },
		"transposed": func(i int) int { return i%4*6 + i/4 },
		"scalar":     func(i int) int { return 7 },
		"none":       nil,
		"every two":  func(i int) int { return 1 + i/3*12 + i%3*2 },
	}
	for name, index := range want {
		x := tensors[name]
		got := make([]float32, x.len())
		if err := x.read(got, 0); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != a.values[index(i)] {
				t.Errorf("%s: value %d is %v, want %v", name, i, v, a.values[index(i)])
			}
		}
	}
}

// memory keeps a fuzz target from taking more than a hostile file may: beyond the limit the collector runs until the
// engine's own time limit ends the run, and readAll bounds what is read.
func memory(f *testing.F) { debug.SetMemoryLimit(512 << 20) }

// readAll reads every tensor of a fuzzed file; the sizes are bounded by the file's.
func readAll(t *testing.T, tensors map[string]*tensor, size int) {
	for name, x := range tensors {
		if !x.dtype.isFloat() {
			continue
		}
		if x.len() > int64(size) {
			t.Fatalf("%s has %d values in a file of %d bytes", name, x.len(), size)
		}
		if err := x.read(make([]float32, x.len()), 0); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// allocated is how many bytes have been allocated, what is free again included. Small objects are counted by the page.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func FuzzSafetensors(f *testing.F) {
	memory(f)
	f.Add(safetensors(map[string]array{"x": filled(2, 3), "y": filled(4)}, f16))
	f.Add(safetensors(map[string]array{"x": filled(), "a.position_ids": filled(1, 2)}, bf16))
	f.Add(withHeader([]byte(`{"x":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}}`), nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		tensors, err := readSafetensors("f", bytes.NewReader(data), int64(len(data)))
		// A header may claim any length; it takes memory for what is there.
		if n := allocated() - before; n > 1<<20+100*uint64(len(data)) {
			t.Fatalf("%d bytes were allocated for a file of %d", n, len(data))
		}
		if err != nil {
			var broken *CheckpointError
			if !errors.As(err, &broken) {
				t.Fatalf("%v is no CheckpointError", err)
			}
			return
		}
		readAll(t, tensors, len(data))
	})
}

func FuzzPickle(f *testing.F) {
	memory(f)
	small := map[string]array{"x.weight": filled(2, 3), "y": filled(3), "a.position_ids": filled(1, 2)}
	f.Add(pickleOf(f, torchSave(small, f32, "x.weight")))
	f.Add(pickleOf(f, torchSave(small, f16)))
	f.Add([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x8c\x02os\x8c\x06system\x93s."))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The archive round it is built here, so that the fuzzer need not learn about checksums.
		storage := constant(1, 64).stored(f32)
		file := map[string][]byte{"data.pkl": data}
		for i := range 4 {
			file[fmt.Sprint("data/", i)] = storage
		}
		z := zipped(file)
		tensors, err := read(z)
		if err != nil {
			var broken *CheckpointError
			if !errors.As(err, &broken) {
				t.Fatalf("%v is no CheckpointError", err)
			}
			return
		}
		readAll(t, tensors, len(z))
	})
}

// FuzzTorch reads archives as they come.
func FuzzTorch(f *testing.F) {
	memory(f)
	f.Add(torchSave(map[string]array{"x.weight": filled(2, 3), "y": filled(3)}, f32, "x.weight"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tensors, err := read(data); err == nil {
			readAll(t, tensors, len(data))
		}
	})
}

// pickleOf is the data.pkl of an archive that torchSave made.
func pickleOf(t testing.TB, archive []byte) []byte {
	start := bytes.Index(archive, []byte("\x80\x02c"))
	end := bytes.Index(archive, []byte("Rub."))
	if start < 0 || end < start {
		t.Fatal("no pickle in the archive")
	}
	return archive[start : end+4]
}
