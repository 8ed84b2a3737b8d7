package storage_test

import (
	"fmt"
	"time"

	"example.com/mailkey/storage"
)

// A store that cannot leave the arithmetic of a limit to a query keeps one
// number for each key.
func ExampleLimit_Take() {
	limit := storage.Limit{Count: 2, Window: time.Minute}
	now := time.UnixMilli(0)
	var stored int64
	for range 3 {
		var wait time.Duration
		stored, wait = limit.Take(stored, now)
		fmt.Println(wait)
	}
	// Output:
	// 0s
	// 0s
	// 30s
}
