package storagetest

import (
	"math/rand/v2"
	"fmt"
	"sort"
	"testing"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

func TestDbg(t *testing.T) {
	s := memory.New()
	w := &walk{Rand: rand.New(rand.NewPCG(1, 0)), mails: make(map[string]storage.Mail)}
	n := map[string]int{}
	for w.step = range 3000 {
		m := w.next()
		a, err := m.prepare(w)(t.Context(), s)
		k := ""
		switch a := a.(type) {
		case storage.Redeemed: k = text(a.Result)
		case storage.CodeRequested: k = fmt.Sprint(a.Full, a.Wait > 0)
		case []any: k = text(a[len(a)-1])
		case []storage.Mail: k = fmt.Sprint(len(a))
		case bool: k = fmt.Sprint(a)
		default: if m.name=="TakeLimits" { k=text(a) }
		}
		n[fmt.Sprint(m.name, " ", k, " ", err)]++
	}
	var l []string
	for k, v := range n { l = append(l, fmt.Sprintf("%5d %s", v, k)) }
	sort.Slice(l, func(i, j int) bool { return l[i][6:] < l[j][6:] })
	for _, x := range l { fmt.Println(x) }
}
