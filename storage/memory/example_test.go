package memory_test

import (
	"context"
	"fmt"
	"time"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

func Example() {
	ctx, now := context.Background(), time.Now()
	store := memory.New()

	ticket := storage.Ticket{ID: []byte("id"), Binding: []byte("anna"), ExpiresAt: now.Add(time.Minute)}
	if err := store.PutTicket(ctx, ticket); err != nil {
		fmt.Println(err)
	}
	for range 2 {
		ok, err := store.TakeTicket(ctx, ticket.ID, ticket.Binding, now)
		fmt.Println(ok, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
