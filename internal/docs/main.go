// Command docs writes the tables of fields in the documents anew, from the
// comments in the code. go generate runs it.
//
// A document says where a table goes, with the directory of the package and the
// name of the struct:
//
//	<!-- fields of auth.Config -->
//	…
//	<!-- end of fields -->
//
// In a table a field has the first sentence of its comment, and the one that
// begins with "Default:" or "Required"; it has to have one of the two. A field
// without a comment shares that of the field before.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../..

// documents are those that have tables.
var documents = []string{"README.md", "docs/configuration.md"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docs <root of the module>")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	for _, name := range documents {
		file := filepath.Join(root, name)
		old, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text, err := withTables(root, old)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !bytes.Equal(old, text) {
			if err := os.WriteFile(file, text, 0o600); err != nil { // keeps the mode it has
				return err
			}
		}
	}
	return nil
}
