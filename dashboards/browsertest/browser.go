// Package browsertest starts a real Chromium for tests and looks at pages with it: on a
// narrow screen, in the dark, with forced colors, without JavaScript, on paper.
//
// It does not know which pages there are or what they should look like.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// stepTimeout bounds one step of a test in the browser. Generous, because test machines
// are small and busy.
const stepTimeout = time.Minute

// Browser is a running Chromium. It ends with the test that started it.
type Browser struct{ ctx context.Context }

// Start runs Chromium without a window. Where there is none the test is skipped, unless
// MELDEFUNK_REAL=1 asks for the real thing: then it fails.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		Missing(t, "chromium is not installed (Debian package chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // test machines run as root, in containers
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	// Without a timeout: the browser lives as long as the context of its first step.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium (%s): %v", path, err)
	}
	return &Browser{ctx}
}

// Missing skips a test that lacks a real part, or fails it when MELDEFUNK_REAL=1.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("MELDEFUNK_REAL") == "1" {
		t.Fatalf("MELDEFUNK_REAL=1, but %s", what)
	}
	t.Skipf("skipped: %s", what)
}

// View is how a page is looked at.
type View struct {
	Name          string
	Width, Height int64 // CSS pixels
	Dark          bool
	ForcedColors  bool
	Print         bool
	NoScript      bool
}

// Page is one open page.
type Page struct{ ctx context.Context }

// Open shows url in a new tab, which closes with the test.
func (b *Browser) Open(t testing.TB, url string, v View) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p := &Page{ctx}
	p.do(t, "look at "+url, chromedp.EmulateViewport(v.Width, v.Height), emulate(v), chromedp.Navigate(url))
	return p
}

// emulate sets what the page is told about screen and person.
func emulate(v View) chromedp.Action[chromedp.Void] {
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: choose(v.Dark, "dark", "light")},
		{Name: "forced-colors", Value: choose(v.ForcedColors, "active", "none")},
	}}
	if v.Print {
		media.Media = "print"
	}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript})
		return err
	})
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func (p *Page) do(t testing.TB, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// Eval gives the value of a JavaScript expression; of a promise, what it resolves to. It
// works on pages with scripts switched off, too.
func Eval[T any](t testing.TB, p *Page, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluate %.80s: %v", expression, err)
	}
	return v
}

// Click clicks the first element that a CSS selector finds, and waits for the page that
// this leads to.
func (p *Page) Click(t testing.TB, selector string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click %s: %v", selector, err)
	}
}

// Keys types on the keyboard, where the focus is; \t and \r are keys too. The last keys lead
// to another page, which it waits for.
func (p *Page) Keys(t testing.TB, keys, last string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatalf("type: %v", err)
	}
	if _, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(last)); err != nil {
		t.Fatalf("type the last key: %v", err)
	}
}

// TabTo presses the tab key until the element with an id has the focus, as people do.
func (p *Page) TabTo(t testing.TB, id string) {
	t.Helper()
	for range 40 {
		if Eval[string](t, p, `document.activeElement.id`) == id {
			return
		}
		p.do(t, "press tab", chromedp.KeyEvent("\t"))
	}
	t.Fatalf("the tab key does not lead to %s", id)
}

// Type types on the keyboard, where the focus is, and stays on the page.
func (p *Page) Type(t testing.TB, keys string) {
	t.Helper()
	p.do(t, "type", chromedp.KeyEvent(keys))
}

// Overflow is by how many CSS pixels the page is wider than the screen.
func (p *Page) Overflow(t testing.TB) int {
	t.Helper()
	return Eval[int](t, p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// Screenshot is the whole page as PNG.
func (p *Page) Screenshot(t testing.TB) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
	return png
}
