package recording

import (
	"math/rand/v2"
	"testing"

	"github.com/clipside/clipside/model"
)

func TestTensorsThatLiveTogetherShareNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var lives []Life
		first := 0
		for range 1 + rng.IntN(30) {
			first += rng.IntN(2)
			lives = append(lives, Life{uint64(1 + rng.IntN(100)), first, first + rng.IntN(4)})
		}
		which, sizes := Share(lives)
		for i, a := range lives {
			if sizes[which[i]] < a.Size {
				t.Fatalf("life %d of %d bytes got a storage of %d", i, a.Size, sizes[which[i]])
			}
			for j, b := range lives[:i] {
				if which[i] == which[j] && a.First <= b.Last && b.First <= a.Last {
					t.Fatalf("lives %v and %v overlap and share a storage", a, b)
				}
			}
		}
	}
}

type released struct {
	name string
	log  *[]string
}

func (r released) Release() { *r.log = append(*r.log, r.name) }

func TestTheProgramUnusedForLongestIsDropped(t *testing.T) {
	var dropped []string
	c := Programs[int, released]{Max: 2}
	made := 0
	borrow := func(n int) func() {
		_, back, err := c.Borrow(n, func() (released, error) {
			made++
			return released{string(rune('a' + n)), &dropped}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return back
	}
	back := borrow(0) // stays lent
	borrow(1)()
	borrow(2)() // drops b, since a is lent
	if made != 3 || len(dropped) != 1 || dropped[0] != "b" {
		t.Fatalf("%d recorded, dropped %q; want 3 and b", made, dropped)
	}
	again := borrow(0) // the first is in use: another is made
	if made != 4 || len(dropped) != 2 || dropped[1] != "c" {
		t.Fatalf("%d recorded, dropped %q; want 4, and c next", made, dropped)
	}
	back()
	again()
	borrow(0)()
	if made != 4 {
		t.Fatal("an idle recording was not used again")
	}
	c.Release()
	if len(dropped) != 4 {
		t.Fatalf("dropped %q, want all", dropped)
	}
}

func TestManyRecordingsLentAtOnceAreNotKept(t *testing.T) {
	var dropped []string
	c := Programs[int, released]{Max: 2}
	borrow := func(n int) func() {
		_, back, err := c.Borrow(n, func() (released, error) { return released{"", &dropped}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return back
	}
	var backs []func()
	for n := range 20 {
		backs = append(backs, borrow(n))
	}
	for _, back := range backs {
		back()
	}
	borrow(20)()
	if len(dropped) != 19 {
		t.Errorf("of 21 recordings %d were dropped, want all but 2", len(dropped))
	}
}

func TestFewRecordingsServeEveryCount(t *testing.T) {
	for _, step := range []int{1, 4, 8} {
		seen := map[int]bool{}
		for n := 1; n <= 1024; n++ {
			r := round(n, step)
			if r < n || r%step != 0 || r >= n+max(step, n/8+1) {
				t.Errorf("%d is rounded to %d", n, r)
			}
			seen[r] = true
		}
		if len(seen) > 8*10 {
			t.Errorf("%d numbers in steps of %d", len(seen), step)
		}
	}
}

func TestTextsShareARecording(t *testing.T) {
	c := model.Config{EmbedDim: 4, Text: model.TextConfig{Vocab: 100, Context: 20, Width: 4, Layers: 1, Heads: 1, MLP: 4}}
	tower := model.NewTextTower(&c, func(name string, shape ...int) *model.Param { return model.NewParam(name, shape...) })
	var texts [][]uint32
	for i := range 9 {
		texts = append(texts, []uint32{98, 1, 2, uint32(10 + i), 99})
	}
	tree, key, err := Texts(tower, texts, 100, 8, 4)
	if want := (Key{tower, 12, 24, 16}); err != nil || key != want || len(tree.Tokens) != 3+9*2 || len(tree.Ends) != 9 {
		t.Errorf("9 texts: %+v of %d tokens and %d ends, error %v; want %+v", key, len(tree.Tokens), len(tree.Ends), err, want)
	}
	// As many as fit; and none is longer than the context.
	texts[0] = append([]uint32{98, 1, 2}, make([]uint32, 17)...)
	texts[0][19] = 99
	tree, key, err = Texts(tower, texts, 24, 8, 4)
	if want := (Key{tower, 4, 24, 20}); err != nil || key != want || len(tree.Ends) != 3 {
		t.Errorf("a long text first: %+v with %d ends, error %v; want %+v", key, len(tree.Ends), err, want)
	}
	if _, key, err := Texts(tower, texts[1:2], 24, 8, 4); err != nil || key != (Key{tower, 1, 8, 16}) {
		t.Errorf("one text: %+v, error %v", key, err)
	}
	if _, _, err := Texts(tower, [][]uint32{{100}}, 24, 8, 4); err == nil {
		t.Error("an id outside of the vocabulary is taken")
	}
}
