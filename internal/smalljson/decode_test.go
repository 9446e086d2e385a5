package smalljson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

type inner struct {
	Name  string    `json:"name"`
	Shape []int     `json:"shape,omitempty"`
	Half  []float32 `json:"half"`
}

type outer struct {
	Text    string            `json:"text"`
	Yes     bool              `json:"yes"`
	Number  float64           `json:"number"`
	Single  float32           `json:"single"`
	Small   int8              `json:"small"`
	ID      *uint32           `json:"id"`
	Three   [3]float32        `json:"three"`
	List    []inner           `json:"list"`
	Towers  map[string]*inner `json:"towers"`
	Strings []string          `json:"strings"`
	In      inner             `json:"in"`
}

// texts are values in every form that JSON has.
var texts = []string{
	`{}`, ` { } `, `null`,
	`{"text":"plain","yes":true,"number":-1.5e-3,"single":0.1,"small":-128,"id":4294967295}`,
	`{"text":"\u00e9\ud83d\ude00 \"\\\/\b\f\n\r\t é😀","yes":false}`,
	`{"text":"\ud83d alone \ude00, \ud83d\u0041"}`,
	`{"three":[1,2.5,-3E+2],"strings":["a","","c"],"list":[]}`,
	`{"list":[{"name":"x","shape":[1,2,3],"half":[0.5]},{"name":"y"},null]}`,
	`{"towers":{"image":{"name":"i"},"text":null}}`,
	`{"in":{"name":"n","unknown":{"deep":[1,[true,null,"s",{"a":-0}]]}},"other":1e9}`,
	"\t\r\n{\"id\" : 7 ,\n\"in\":null}\n",
}

func TestValuesAreThoseOfEncodingJSON(t *testing.T) {
	for _, text := range texts {
		var got, want outer
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v\nwant %+v", text, got, want)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "byte 0: the text ends where a value is expected"},
		{`<`, `byte 0: invalid character '<' where a value is expected`},
		{`{"text":"a"`, "byte 11: the text ends where } is expected"},
		{`{"text" "a"}`, `byte 8: invalid character '"' where : is expected`},
		{`{"text":"a",}`, `byte 12: invalid character '}' where a name is expected`},
		{`{"text":"a} `, "ends inside a string"},
		{"{\"text\":\"a\nb\"}", `invalid character '\n' in a string`},
		{`{"text":"\x"}`, `invalid character 'x' after a backslash`},
		{`{"text":"\u00g0"}`, "is not four hexadecimal digits"},
		{`{"text":"\u00`, "ends inside a string"},
		{`{"text":1}`, "a number where a string is expected"},
		{`{"text":{}}`, "an object where a string is expected"},
		{`{"list":{}}`, "an object where an array is expected"},
		{`{"in":[]}`, "an array where an object is expected"},
		{`{"number":"1"}`, "a string where a number is expected"},
		{`{"yes":0}`, "a number where a boolean is expected"},
		{`{"small":128}`, "the number 128 does not fit"},
		{`{"small":1.5}`, "the number 1.5 does not fit"},
		{`{"id":-1}`, "the number -1 does not fit"},
		{`{"single":1e39}`, "the number 1e39 does not fit"},
		{`{"number":01}`, "invalid character '1'"},
		{`{"number":1.}`, "where a digit is expected"},
		{`{"number":-}`, "where a digit is expected"},
		{`{"number":+1}`, "where a value is expected"},
		{`{"yes":tru}`, "where true is expected"},
		{`{"three":[1,2]}`, "an array of 2 values where 3 are expected"},
		{`{"three":[1,2,3,4]}`, "an array of 4 values where 3 are expected"},
		{`{"strings":["a" "b"]}`, "where ] is expected"},
		{`{} {}`, "byte 3: more follows the value"},
		{`{"x":` + strings.Repeat(`[`, 200), "nested deeper than 100"},
	} {
		var v outer
		err := Unmarshal([]byte(c.text), &v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: got %v, want %s", c.text, err, c.want)
		}
	}
}

func TestStrictRefusesUnknownNames(t *testing.T) {
	var v outer
	err := UnmarshalStrict([]byte(`{"in":{"nam":"x"}}`), &v)
	if err == nil || !strings.Contains(err.Error(), `unknown field "nam"`) {
		t.Errorf("got %v", err)
	}
	if err := UnmarshalStrict([]byte(`{"in":{"name":"x"}}`), &v); err != nil || v.In.Name != "x" {
		t.Errorf("got %v, %+v", err, v.In)
	}
}

// FuzzUnmarshal holds both against each other: what this package takes, encoding/json takes. The results may differ
// where names are in another case, which are other names here, or given twice.
func FuzzUnmarshal(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got, want outer
		if err := Unmarshal([]byte(text), &got); err != nil {
			return
		}
		var mistyped *json.UnmarshalTypeError // of a name in another case
		if err := json.Unmarshal([]byte(text), &want); err != nil && !errors.As(err, &mistyped) {
			t.Fatalf("%q is taken; encoding/json says %v", text, err)
		}
	})
}
