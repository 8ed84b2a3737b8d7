package browser

import (
	"context"
	"os"
	"sync"
	"testing"

	"example.com/mailkey/internal/integration/services"
)

func TestMain(m *testing.M) {
	status := m.Run()
	if chromium.browser != nil {
		chromium.browser.Stop()
	}
	os.Exit(status)
}

// chromium is the one browser of all tests, which the first of them starts.
var chromium struct {
	once    sync.Once
	browser *services.Browser
	err     error
}

// startBrowser returns the context of the browser. A machine without Chromium
// skips the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	program := services.Chromium(t)
	chromium.once.Do(func() { chromium.browser, chromium.err = services.StartChromium(program) })
	if chromium.err != nil {
		t.Fatalf("start chromium: %v", chromium.err)
	}
	return chromium.browser.Context
}
