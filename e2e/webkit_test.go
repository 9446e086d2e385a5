package e2e

import (
	"testing"

	"github.com/clipside/clipside/internal/programs"
	"github.com/clipside/clipside/internal/webkit"
)

// openWebKit opens url in a WebKitGTK with a fresh profile, which ends with the test.
func openWebKit(t testing.TB, url string) *tab {
	t.Helper()
	driver, display, err := programs.WebKit()
	if err != nil {
		t.Fatal(err)
	}
	b, err := webkit.Launch(t.Context(), driver, display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return openOther(t, url, b)
}

func TestWebKitFindsTheLabelsOfPhotos(t *testing.T) {
	t.Parallel()
	g := readStarterGolden(t)
	s := serve(t)
	s.headers = isolation
	p := openWebKit(t, s.url)
	p.press()
	p.until("the model", ready)
	g.checkWithAnother(t, p, "cpu")
}
