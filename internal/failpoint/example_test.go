package failpoint_test

import (
	"fmt"

	"example.com/mailkey/internal/failpoint"
)

func Example() {
	err := failpoint.Hit("redeem: counted")
	fmt.Println(err)
	// Output: <nil>
}
