package cluster

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"example.com/mailkey/internal/integration/services"
)

// document is docs/cluster.md.
func document(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile("../../../docs/cluster.md")
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// balance starts nginx as the document configures it, but for what is to be
// replaced (old, new, and so on), in front of instances at three addresses.
func (c *cluster) balance(tb testing.TB, addrs []string, replace ...string) {
	tb.Helper()
	block := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindStringSubmatch(document(tb))
	if block == nil || strings.Count(block[1], "127.0.0.1:808") != 4 {
		tb.Fatal("docs/cluster.md has no configuration of nginx for three instances")
	}
	addr := strings.TrimPrefix(c.url, "http://")
	replace = append(replace,
		"127.0.0.1:8080", addr, "127.0.0.1:8081", addrs[0], "127.0.0.1:8082", addrs[1], "127.0.0.1:8083", addrs[2])
	services.StartNginxWith(tb, addr, strings.NewReplacer(replace...).Replace(block[1]))
}
