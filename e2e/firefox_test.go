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
	return openOther(t, url, b)
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
			g.checkWithAnother(t, p, device)
		})
	}
}
