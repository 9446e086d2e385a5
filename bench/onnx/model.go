// Package onnx writes CLIP's encoders as ONNX models, operator set 17, from a bundle's own weights: what Optimum's
// exporter would write of the same checkpoint, so that another runtime's graph optimisers find what they look for.
// It is for comparisons; nothing that users run depends on it.
package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Element types, as TensorProto.DataType numbers them.
const (
	float32Type = 1
	int32Type   = 6
	int64Type   = 7
	float16Type = 10
)

// maxFile is protobuf's own limit on a message.
const maxFile = math.MaxInt32

// graph is a GraphProto in the making. Nodes must be added in topological order.
type graph struct {
	nodes        [][]byte
	initializers []initializer
	inputs       [][]byte
	outputs      [][]byte
	names        map[string]int // how often a node's name was given
}

// initializer is a TensorProto whose values stay where they are until the file is written.
type initializer struct {
	head []byte // every field but raw_data
	data []byte // raw_data
}

// size is the length of the message.
func (t initializer) size() int {
	return len(t.head) + protowire.SizeTag(9) + protowire.SizeBytes(len(t.data))
}

// attribute is an AttributeProto.
type attribute []byte

func intAttr(name string, v int) attribute {
	b := text(nil, 1, name)
	b = number(b, 3, v)
	return number(b, 20, 2)
}

func floatAttr(name string, v float32) attribute {
	b := text(nil, 1, name)
	b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
	b = protowire.AppendFixed32(b, math.Float32bits(v))
	return number(b, 20, 1)
}

func intsAttr(name string, v ...int) attribute {
	b := text(nil, 1, name)
	for _, n := range v {
		b = number(b, 8, n)
	}
	return number(b, 20, 7)
}

// node adds a node of one output and returns that output's name.
func (g *graph) node(op string, inputs []string, attributes ...attribute) string {
	if g.names == nil {
		g.names = map[string]int{}
	}
	name := fmt.Sprintf("/%s_%d", op, g.names[op])
	g.names[op]++
	g.named(name+"_output_0", op, inputs, attributes...)
	return name + "_output_0"
}

// named adds a node whose output has the given name, such as one of the graph's.
func (g *graph) named(output, op string, inputs []string, attributes ...attribute) {
	var b []byte
	for _, in := range inputs {
		b = text(b, 1, in)
	}
	b = text(b, 2, output)
	b = text(b, 3, "node of "+output)
	b = text(b, 4, op)
	for _, a := range attributes {
		b = message(b, 5, a)
	}
	g.nodes = append(g.nodes, b)
}

// tensor adds an initializer and returns its name. Data is little-endian and row-major.
func (g *graph) tensor(name string, elem int, shape []int, data []byte) string {
	var b []byte
	for _, d := range shape {
		b = number(b, 1, d)
	}
	b = number(b, 2, elem)
	b = text(b, 8, name)
	g.initializers = append(g.initializers, initializer{b, data})
	return name
}

// ints adds an int64 vector.
func (g *graph) ints(name string, v ...int) string {
	var data []byte
	for _, n := range v {
		data = binary.LittleEndian.AppendUint64(data, uint64(int64(n)))
	}
	return g.tensor(name, int64Type, []int{len(v)}, data)
}

// index adds an int64 scalar.
func (g *graph) index(name string, v int) string {
	return g.tensor(name, int64Type, nil, binary.LittleEndian.AppendUint64(nil, uint64(int64(v))))
}

// input declares one of the graph's inputs; output, one of its outputs. A dimension is an int, or the name of one that
// is known only when the model runs.
func (g *graph) input(name string, elem int, dims ...any) {
	g.inputs = append(g.inputs, valueInfo(name, elem, dims))
}

func (g *graph) output(name string, elem int, dims ...any) {
	g.outputs = append(g.outputs, valueInfo(name, elem, dims))
}

func valueInfo(name string, elem int, dims []any) []byte {
	var shape []byte
	for _, d := range dims {
		var dim []byte
		switch d := d.(type) {
		case int:
			dim = number(nil, 1, d)
		case string:
			dim = text(nil, 2, d)
		default:
			panic(fmt.Sprintf("onnx: dimension %v", d))
		}
		shape = message(shape, 1, dim)
	}
	tensor := message(number(nil, 1, elem), 2, shape)
	return message(text(nil, 1, name), 2, message(nil, 1, tensor))
}

// write writes the graph as a ModelProto. Values are not copied: a model of a gigabyte takes no second one.
func (g *graph) write(w io.Writer, name string) error {
	var nodes, rest []byte
	for _, n := range g.nodes {
		nodes = message(nodes, 1, n)
	}
	nodes = text(nodes, 2, name)
	for _, v := range g.inputs {
		rest = message(rest, 11, v)
	}
	for _, v := range g.outputs {
		rest = message(rest, 12, v)
	}
	size := len(nodes) + len(rest)
	for _, t := range g.initializers {
		size += protowire.SizeTag(5) + protowire.SizeBytes(t.size())
	}
	if size > maxFile {
		return fmt.Errorf("onnx: %s takes %d bytes, more than a file of %d can hold", name, size, maxFile)
	}

	head := number(nil, 1, 8) // IR version 8 came with operator set 17
	head = text(head, 2, "clipside")
	head = message(head, 8, number(nil, 2, 17)) // the default domain's operator set
	head = protowire.AppendTag(head, 7, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(size))
	head = append(head, nodes...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range g.initializers {
		head = protowire.AppendTag(head[:0], 5, protowire.BytesType)
		head = protowire.AppendVarint(head, uint64(t.size()))
		head = append(head, t.head...)
		head = protowire.AppendTag(head, 9, protowire.BytesType)
		head = protowire.AppendVarint(head, uint64(len(t.data)))
		if _, err := w.Write(head); err != nil {
			return err
		}
		if _, err := w.Write(t.data); err != nil {
			return err
		}
	}
	_, err := w.Write(rest)
	return err
}

func number(b []byte, field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(int64(v)))
}

func text(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func message(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
