package e2e

import (
	"testing"

	"github.com/clipside/clipside/internal/firefox"
	"github.com/clipside/clipside/internal/programs"
)

// openFirefox opens url in a Firefox with a fresh profile, which ends with the test.
func openFirefox(t testing.TB, url string) *tab {
	t.Helper()
	program, err := programs.Firefox()
	if err != nil {
		t.Fatal(err)
	}
	b, err := firefox.Launch(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	page, err := b.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return &tab{TB: t, ctx: t.Context(), other: page}
}

func TestFirefoxFindsTheLabelsOfPhotos(t *testing.T) {
	t.Parallel()
	g := readStarterGolden(t)
	for _, device := range []string{"webgpu", "cpu"} {
		t.Run(device, func(t *testing.T) {
			s := serve(t)
			s.headers = isolation
			p := openFirefox(t, s.url+"?device="+device)
			p.adapter()
			p.model()
			g.check(t, p)
			p.label("bicycle")
			p.until("the new label's scores", readCards+".every((card) => card.scores.bicycle > 0)")
			if got := eval[string](p, "document.querySelector('[data-testid=status]').dataset.device"); got != device {
				t.Errorf("the page says it runs on %q, want %q", got, device)
			}
			p.noComplaints()
		})
	}
}
