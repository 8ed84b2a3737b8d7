package auth_test

import (
	"fmt"
	"testing"
	"time"
)

// What people leave behind who never come back - captchas, tickets, counts,
// codes - is gone within a minute of its time, without anybody who asks for
// anything.
func TestAbuse_A14_J10_J12_sweptWithoutTraffic(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		left := func() int {
			n, err := k.conf.Store.Sweep(k.Context(), time.Now(), 10_000)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		visit := func(round int) {
			for i := range 100 {
				k := k.as(from(fmt.Sprintf("10.%d.%d.1", round, i)))
				email := fmt.Sprintf("a%d.%d@b.example", round, i)
				k.get(captchaPath + "?type=pow")
				k.login(email, "123456")
				k.ticket(email)
				k.send("b" + email)
			}
		}
		visit(0)
		time.Sleep(11*time.Minute + time.Second) // the codes live longest
		if n := left(); n != 0 {
			t.Errorf("%d rows are left although Run works", n)
		}
		visit(1)
		k.stop()
		time.Sleep(11*time.Minute + time.Second)
		if n := left(); n < 500 {
			t.Errorf("%d rows are left when Run does not work: the test proves nothing", n)
		}
	})
}
