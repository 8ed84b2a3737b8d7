package main

import (
	"path/filepath"
	"slices"
	"strings"
)

// group is a set of files and the packages whose tests look after them, those
// that fail the fastest first.
type group struct {
	files    []string // patterns
	likely   tests    // that will notice most changes; those of the file if there are none
	packages []string
}

var groups = []group{
	{
		files:    []string{"storage/addresses.go", "storage/limits.go"},
		packages: []string{"./storage", "./storage/memory", "./storage/sqlite", "./auth"},
	},
	{
		files:    []string{"storage/memory/*.go"},
		packages: []string{"./storage/memory", "./auth"},
	},
	{
		files:    []string{"storage/internal/sqlstore/*.go", "storage/internal/sqlstore/queries/*.sql"},
		likely:   tests{"./storage/sqlite", "^TestConformance$"},
		packages: []string{"./storage/sqlite", "./auth"},
	},
	{
		files: []string{
			"captcha/captcha.go", "captcha/digits.go", "captcha/handler.go", "captcha/pow.go",
			"captcha/service.go", "captcha/slider.go", "captcha/slots.go", "captcha/token.go",
		},
		packages: []string{"./captcha", "./auth"},
	},
	{
		files: []string{
			"auth/body.go", "auth/breaker.go", "auth/captcha.go", "auth/clientip.go", "auth/clock.go", "auth/code.go",
			"auth/config.go", "auth/email.go", "auth/headers.go", "auth/hooks.go", "auth/idtoken.go", "auth/json.go",
			"auth/keyring.go", "auth/keys.go", "auth/limits.go", "auth/login.go", "auth/logout.go", "auth/outbox.go",
			"auth/refresh.go", "auth/request.go", "auth/returnpath.go", "auth/run.go", "auth/seats.go", "auth/secret.go",
			"auth/sendcode.go", "auth/session.go", "auth/sessions.go",
		},
		packages: []string{"./auth"},
	},
	{
		files:    []string{"middleware/idtoken.go", "middleware/jwks.go", "middleware/recent.go", "middleware/session.go"},
		packages: []string{"./middleware", "./auth"},
	},
}

// mutants are all changes to the files of the group.
func (g group) mutants() ([]mutant, error) {
	var all []mutant
	for _, pattern := range g.files {
		files, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			return nil, err
		}
		slices.Sort(files)
		for _, file := range files {
			find := inGo
			switch {
			case strings.HasSuffix(file, "_test.go"):
				continue
			case strings.HasSuffix(file, ".sql"):
				find = inSQL
			}
			found, err := find(file)
			if err != nil {
				return nil, err
			}
			all = append(all, numbered(found)...)
		}
	}
	return all, nil
}
