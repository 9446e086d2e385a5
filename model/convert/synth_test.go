package convert

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/x448/float16"
)

// Writers of the formats that the package reads, and checkpoints made with them.

// array is a tensor's values in row-major order.
type array struct {
	shape  []int
	values []float32
}

// filled is an array of that shape with small, different, finite values that fp16 and bf16 hold.
func filled(shape ...int) array {
	n, _ := count(shape)
	a := array{shape, make([]float32, n)}
	for i := range a.values {
		a.values[i] = float32(i%251-125) / 128
	}
	return a
}

func constant(v float32, shape ...int) array {
	a := filled(shape...)
	for i := range a.values {
		a.values[i] = v
	}
	return a
}

// stored is the array's values as bytes of a type.
func (a array) stored(d dtype) []byte {
	var b []byte
	for _, v := range a.values {
		switch d {
		case f64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
		case f32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		case f16:
			b = binary.LittleEndian.AppendUint16(b, float16.Fromfloat32(v).Bits())
		case bf16: // cut, not rounded
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		case "I64":
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(v)))
		default:
			panic(d)
		}
	}
	return b
}

// safetensors writes arrays, all of one type; integers for position_ids and counters.
func safetensors(arrays map[string]array, d dtype) []byte {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		a, t := arrays[name], d
		if isBuffer(name) {
			t = "I64"
		}
		b := a.stored(t)
		shape := append([]int{}, a.shape...)
		header[name] = map[string]any{"dtype": t, "shape": shape, "data_offsets": []int{len(data), len(data) + len(b)}}
		data = append(data, b...)
	}
	return withHeader(mustJSON(header), data)
}

func withHeader(header, data []byte) []byte {
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header, data)
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// pickler writes protocol 2, as torch.save does.
type pickler struct{ bytes.Buffer }

func (p *pickler) global(module, name string) { fmt.Fprintf(p, "c%s\n%s\n", module, name) }

func (p *pickler) text(s string) {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

func (p *pickler) int(v int) {
	switch {
	case v >= 0 && v < 256:
		p.Write([]byte{'K', byte(v)})
	case v >= 0 && v < 1<<16:
		p.Write([]byte{'M', byte(v), byte(v >> 8)})
	default:
		p.WriteByte('J')
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(v)))
	}
}

func (p *pickler) ints(v []int) {
	p.WriteByte('(')
	for _, x := range v {
		p.int(x)
	}
	p.WriteByte('t')
}

// view pushes a tensor: a storage of n values seen through size and stride.
func (p *pickler) view(class, key string, n, offset int, size, stride []int) {
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.WriteByte('(')
	p.WriteByte('(')
	p.text("storage")
	p.global("torch", class)
	p.text(key)
	p.text("cpu")
	p.int(n)
	p.WriteString("tQ")
	p.int(offset)
	p.ints(size)
	p.ints(stride)
	p.WriteByte(0x89) // False
	p.global("collections", "OrderedDict")
	p.WriteString(")R")
	p.WriteString("tR")
}

func rowMajor(shape []int) []int {
	strides, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= max(shape[i], 1)
	}
	return strides
}

var torchClass = map[dtype]string{f64: "DoubleStorage", f32: "FloatStorage", f16: "HalfStorage", bf16: "BFloat16Storage", "I64": "LongStorage"}

// torchSave writes arrays as torch.save would. Those named in transposed lie in their storage the other way round, as
// a transposed view does; every other tensor begins at value 3 of its storage and is wrapped as a parameter.
func torchSave(arrays map[string]array, d dtype, transposed ...string) []byte {
	var p pickler
	files := map[string][]byte{"byteorder": []byte("little"), "version": []byte("3\n")}
	p.Write([]byte{0x80, 2})
	p.global("collections", "OrderedDict")
	p.WriteString(")Rq\x00(")
	for i, name := range slices.Sorted(maps.Keys(arrays)) {
		a, t, key := arrays[name], d, strconv.Itoa(i)
		if isBuffer(name) {
			t = "I64"
		}
		p.text(name)
		if slices.Contains(transposed, name) {
			rows, cols := a.shape[0], a.shape[1]
			flipped := array{[]int{cols, rows}, make([]float32, len(a.values))}
			for k, v := range a.values {
				flipped.values[k%cols*rows+k/cols] = v
			}
			files["data/"+key] = flipped.stored(t)
			p.view(torchClass[t], key, len(a.values), 0, a.shape, []int{1, rows})
			continue
		}
		if i%2 == 0 {
			files["data/"+key] = a.stored(t)
			p.view(torchClass[t], key, len(a.values), 0, a.shape, rowMajor(a.shape))
			continue
		}
		files["data/"+key] = append(constant(7, 3).stored(t), a.stored(t)...)
		p.global("torch._utils", "_rebuild_parameter")
		p.WriteByte('(')
		p.view(torchClass[t], key, 3+len(a.values), 3, a.shape, rowMajor(a.shape))
		p.WriteByte(0x88)
		p.global("collections", "OrderedDict")
		p.WriteString(")RtR")
	}
	p.WriteString("u}(") // attributes
	p.text("_metadata")
	p.global("collections", "OrderedDict")
	p.WriteString(")Rub.")
	files["data.pkl"] = p.Bytes()
	return zipped(files)
}

// zipped stores files under the root "archive".
func zipped(files map[string][]byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		e, err := w.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = e.Write(files[name])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

const (
	starterDir = "../../models/starter"
	vitDir     = "../../testdata/golden/vit-hf"
	resnetDir  = "../../testdata/golden/rn-openclip"
)

// load reads a directory's checkpoint files into memory.
func load(t testing.TB, dir string) fstest.MapFS {
	t.Helper()
	m := make(fstest.MapFS)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext == ".json" || ext == ".txt" || ext == ".safetensors" {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			m[e.Name()] = &fstest.MapFile{Data: data}
		}
	}
	return m
}

// arraysOf reads all values of a safetensors file that is known to be good. It shares no code with the reader.
func arraysOf(t testing.TB, fsys fs.FS, file string) map[string]array {
	t.Helper()
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		DType   string
		Shape   []int
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	arrays := make(map[string]array)
	for name, h := range header {
		if name == "__metadata__" {
			continue
		}
		if h.DType != "F16" {
			t.Fatalf("%s is %s", name, h.DType)
		}
		raw := data[8+int(n)+h.Offsets[0] : 8+int(n)+h.Offsets[1]]
		a := array{shape: h.Shape}
		for i := 0; i < len(raw); i += 2 {
			a.values = append(a.values, float16.Frombits(binary.LittleEndian.Uint16(raw[i:])).Float32())
		}
		arrays[name] = a
	}
	return arrays
}

// tinyViT is an OpenCLIP checkpoint of a few hundred values a tower, with CustomTextCLIP's names when prefix is
// "text.".
func tinyViT(prefix string) (arrays map[string]array, config map[string]any) {
	const width, embed, patch, layers, vocab, context = 8, 4, 2, 2, 4096, 6
	arrays = map[string]array{
		"logit_scale":                     constant(2, []int{}...),
		"visual.class_embedding":          filled(width),
		"visual.positional_embedding":     filled(5, width),
		"visual.proj":                     filled(width, embed),
		"visual.conv1.weight":             filled(width, 3, patch, patch),
		prefix + "token_embedding.weight": filled(vocab, width),
		prefix + "positional_embedding":   filled(context, width),
		prefix + "text_projection":        filled(width, embed),
		prefix + "attn_mask":              filled(context, context),
	}
	norm := func(name string) {
		arrays[name+".weight"], arrays[name+".bias"] = constant(1, width), filled(width)
	}
	norm("visual.ln_pre")
	norm("visual.ln_post")
	norm(prefix + "ln_final")
	for _, tower := range []string{"visual.", prefix} {
		for i := range layers {
			b := fmt.Sprintf("%stransformer.resblocks.%d.", tower, i)
			norm(b + "ln_1")
			norm(b + "ln_2")
			arrays[b+"attn.in_proj_weight"], arrays[b+"attn.in_proj_bias"] = filled(3*width, width), filled(3*width)
			arrays[b+"attn.out_proj.weight"], arrays[b+"attn.out_proj.bias"] = filled(width, width), filled(width)
			arrays[b+"mlp.c_fc.weight"], arrays[b+"mlp.c_fc.bias"] = filled(2*width, width), filled(2*width)
			arrays[b+"mlp.c_proj.weight"], arrays[b+"mlp.c_proj.bias"] = filled(width, 2*width), filled(width)
		}
	}
	return arrays, map[string]any{
		"model_cfg": map[string]any{
			"embed_dim":  embed,
			"vision_cfg": map[string]any{"image_size": []int{4, 4}, "layers": layers, "width": width, "head_width": 4, "patch_size": patch, "mlp_ratio": 2.0},
			"text_cfg":   map[string]any{"context_length": context, "vocab_size": vocab, "width": width, "heads": 2, "layers": layers, "mlp_ratio": 2.0},
		},
	}
}

// openCLIPFiles is a checkpoint's directory; the vocabulary is the starter's.
func openCLIPFiles(t testing.TB, arrays map[string]array, config any) fstest.MapFS {
	t.Helper()
	m := load(t, starterDir)
	m["open_clip_model.safetensors"] = &fstest.MapFile{Data: safetensors(arrays, f32)}
	m["open_clip_config.json"] = &fstest.MapFile{Data: mustJSON(config)}
	return m
}

// edit changes JSON at a path such as "model_cfg.text_cfg.pool_type"; nil removes.
func edit(t testing.TB, data []byte, at string, value any) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	m, keys := root, strings.Split(at, ".")
	for _, k := range keys[:len(keys)-1] {
		m = m[k].(map[string]any)
	}
	if value == nil {
		delete(m, keys[len(keys)-1])
	} else {
		m[keys[len(keys)-1]] = value
	}
	return mustJSON(root)
}
