package recording

import (
	"math/rand/v2"
	"testing"
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
