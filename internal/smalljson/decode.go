// Package smalljson reads JSON into structs by the same tags as encoding/json, in a tenth of the code: what a browser
// downloads counts. It reads and never writes; it asks no type how it would like to be read.
package smalljson

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how far values may be nested.
const maxDepth = 100

// Error says where in a text something is wrong.
type Error struct {
	Offset  int // bytes
	Problem string
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Problem) }

// Unmarshal stores data's one value in what v points to: structs, slices, arrays, maps by string, pointers, strings,
// numbers and booleans. A name is a field's if it is that of the field's tag, to the letter. Names that a struct does
// not have are skipped. Null leaves things as they are. Errors are *Error.
func Unmarshal(data []byte, v any) error { return unmarshal(data, v, false) }

// UnmarshalStrict is Unmarshal, but a name that a struct does not have is an error.
func UnmarshalStrict(data []byte, v any) error { return unmarshal(data, v, true) }

func unmarshal(data []byte, v any, strict bool) (err error) {
	d := decoder{data: data, strict: strict}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			err = r
		default:
			panic(r)
		}
	}()
	d.value(reflect.ValueOf(v).Elem(), 0)
	if d.space(); d.at < len(data) {
		d.fail("more follows the value")
	}
	return nil
}

// decoder reads from at on. Its methods panic with an *Error.
type decoder struct {
	data   []byte
	at     int
	strict bool
}

func (d *decoder) fail(format string, args ...any) {
	panic(&Error{d.at, fmt.Sprintf(format, args...)})
}

func (d *decoder) space() {
	for d.at < len(d.data) && strings.IndexByte(" \t\r\n", d.data[d.at]) >= 0 {
		d.at++
	}
}

// next is the next byte that is not white space, not taken yet; 0 at the end.
func (d *decoder) next() byte {
	if d.space(); d.at < len(d.data) {
		return d.data[d.at]
	}
	return 0
}

func (d *decoder) expect(c byte) {
	if got := d.next(); got != c || d.at == len(d.data) {
		d.unexpected(string(rune(c)))
	}
	d.at++
}

func (d *decoder) unexpected(want string) {
	if d.at >= len(d.data) {
		d.fail("the text ends where %s is expected", want)
	}
	d.fail("invalid character %q where %s is expected", d.data[d.at], want)
}

// value reads a value into v; one that is not valid is skipped.
func (d *decoder) value(v reflect.Value, depth int) {
	if depth > maxDepth {
		d.fail("values are nested deeper than %d", maxDepth)
	}
	c := d.next()
	if c == 'n' {
		d.word("null")
		return
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	switch {
	case c == '{':
		d.object(v, depth)
	case c == '[':
		d.array(v, depth)
	case c == '"':
		s := d.text()
		if d.wants(v, "a string", reflect.String) {
			v.SetString(s)
		}
	case c == 't' || c == 'f':
		truth := c == 't'
		d.word(strconv.FormatBool(truth))
		if d.wants(v, "a boolean", reflect.Bool) {
			v.SetBool(truth)
		}
	case c == '-' || '0' <= c && c <= '9':
		d.number(v)
	default:
		d.unexpected("a value")
	}
}

// wants tells whether v is to be set, which must be of one of the kinds.
func (d *decoder) wants(v reflect.Value, what string, kinds ...reflect.Kind) bool {
	if !v.IsValid() {
		return false
	}
	for _, k := range kinds {
		if v.Kind() == k {
			return true
		}
	}
	d.fail("%s where %s is expected", what, kindName(v.Kind()))
	return false
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

func (d *decoder) word(w string) {
	if !strings.HasPrefix(string(d.data[d.at:min(len(d.data), d.at+len(w))]), w) {
		d.unexpected(w)
	}
	d.at += len(w)
}

func (d *decoder) object(v reflect.Value, depth int) {
	known := d.wants(v, "an object", reflect.Struct, reflect.Map)
	if known && v.Kind() == reflect.Map && v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	d.at++
	if d.next() == '}' {
		d.at++
		return
	}
	for {
		if d.next() != '"' {
			d.unexpected("a name")
		}
		name := d.text()
		d.expect(':')
		switch {
		case known && v.Kind() == reflect.Map:
			item := reflect.New(v.Type().Elem()).Elem()
			d.value(item, depth+1)
			v.SetMapIndex(reflect.ValueOf(name), item)
		case known:
			field := fieldOf(v, name)
			if d.strict && !field.IsValid() {
				d.fail("unknown field %q", name)
			}
			d.value(field, depth+1)
		default:
			d.value(v, depth+1)
		}
		if d.next() != ',' {
			break
		}
		d.at++
	}
	d.expect('}')
}

// fieldOf is the field that is tagged with name; not valid if there is none.
func fieldOf(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if tag == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func (d *decoder) array(v reflect.Value, depth int) {
	known := d.wants(v, "an array", reflect.Slice, reflect.Array)
	d.at++
	n := 0
	if known && v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	}
	if d.next() == ']' {
		d.at++
	} else {
		for {
			var item reflect.Value
			switch {
			case !known:
			case v.Kind() == reflect.Slice:
				if n == v.Cap() {
					v.Grow(1)
				}
				v.SetLen(n + 1)
				item = v.Index(n)
				item.SetZero()
			case n < v.Len():
				item = v.Index(n)
			}
			d.value(item, depth+1)
			n++
			if d.next() != ',' {
				break
			}
			d.at++
		}
		d.expect(']')
	}
	if known && n != v.Len() {
		d.fail("an array of %d values where %d are expected", n, v.Len())
	}
}

// number reads a number as JSON has it.
func (d *decoder) number(v reflect.Value) {
	start := d.at
	digits := func() {
		from := d.at
		for d.at < len(d.data) && '0' <= d.data[d.at] && d.data[d.at] <= '9' {
			d.at++
		}
		if d.at == from {
			d.unexpected("a digit")
		}
	}
	is := func(any string) bool { return d.at < len(d.data) && strings.IndexByte(any, d.data[d.at]) >= 0 }
	if is("-") {
		d.at++
	}
	if is("0") {
		d.at++ // nothing but a point or an exponent may follow
	} else {
		digits()
	}
	if is(".") {
		d.at++
		digits()
	}
	if is("eE") {
		d.at++
		if is("+-") {
			d.at++
		}
		digits()
	}
	text := string(d.data[start:d.at])
	if !v.IsValid() {
		return
	}
	var err error
	switch {
	case v.CanInt():
		var n int64
		if n, err = strconv.ParseInt(text, 10, v.Type().Bits()); err == nil {
			v.SetInt(n)
		}
	case v.CanUint():
		var n uint64
		if n, err = strconv.ParseUint(text, 10, v.Type().Bits()); err == nil {
			v.SetUint(n)
		}
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(text, v.Type().Bits()); err == nil {
			v.SetFloat(f)
		}
	default:
		d.fail("a number where %s is expected", kindName(v.Kind()))
	}
	if err != nil {
		d.fail("the number %.40s does not fit", text)
	}
}

// text reads a string. What is not UTF-8 becomes U+FFFD.
func (d *decoder) text() string {
	d.at++
	start := d.at
	for d.at < len(d.data) && d.data[d.at] != '"' && d.data[d.at] != '\\' && d.data[d.at] >= ' ' {
		d.at++
	}
	if d.at < len(d.data) && d.data[d.at] == '"' { // nearly always
		s := string(d.data[start:d.at])
		d.at++
		return strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	b := append([]byte(nil), d.data[start:d.at]...)
	for {
		if d.at >= len(d.data) {
			d.fail("the text ends inside a string")
		}
		c := d.data[d.at]
		switch {
		case c < ' ':
			d.fail("invalid character %q in a string", c)
		case c == '"':
			d.at++
			return strings.ToValidUTF8(string(b), string(utf8.RuneError))
		case c == '\\':
			b = d.escape(b)
		default:
			b = append(b, c)
			d.at++
		}
	}
}

// escape appends what a backslash and what follows it mean.
func (d *decoder) escape(b []byte) []byte {
	d.at++
	if d.at >= len(d.data) {
		d.fail("the text ends inside a string")
	}
	const escapes, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(escapes, d.data[d.at]); i >= 0 {
		d.at++
		return append(b, meanings[i])
	}
	if d.data[d.at] != 'u' {
		d.fail("invalid character %q after a backslash", d.data[d.at])
	}
	r := d.hex()
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(b, r)
	}
	// A pair makes one character; a half without its other stands for nothing.
	if after := d.at; after+1 < len(d.data) && d.data[after] == '\\' && d.data[after+1] == 'u' {
		d.at++
		if pair := utf16.DecodeRune(r, d.hex()); pair != utf8.RuneError {
			return utf8.AppendRune(b, pair)
		}
		d.at = after
	}
	return utf8.AppendRune(b, utf8.RuneError)
}

// hex reads the u and the four digits after a backslash.
func (d *decoder) hex() rune {
	if d.at+5 > len(d.data) {
		d.at = len(d.data)
		d.fail("the text ends inside a string")
	}
	n, err := strconv.ParseUint(string(d.data[d.at+1:d.at+5]), 16, 16)
	if err != nil {
		d.fail("%q is not four hexadecimal digits", d.data[d.at+1:d.at+5])
	}
	d.at += 5
	return rune(n)
}
