package storagetest_test

import "testing"

// What the example says about its store holds.
func TestExample_wrapped(t *testing.T) {
	t.Run("conformance", testConformance)
	t.Run("random", testRandom)
}
