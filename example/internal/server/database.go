package server

import (
	"context"
	"errors"
	"flag"
	"io"
	"regexp"

	"example.com/mailkey/storage"
	"example.com/mailkey/storage/sqlite"
)

// Store is a store that is open.
type Store interface {
	storage.Store
	io.Closer
}

// Database is a kind of database that the server can keep everything in.
type Database interface {
	// Flags adds the flags that only this kind has, and says in the usage of
	// -database how one is named.
	Flags(fs *flag.FlagSet)

	// Check reports whether -database names one of this kind, and if so, what is
	// wrong with the flags.
	Check(database string) (mine bool, err error)

	// Open opens it. ErrDone ends the program: something else was asked for
	// than to serve, and is done.
	Open(ctx context.Context, database string, stdout io.Writer) (Store, error)
}

// ErrDone says that all is done, and well.
var ErrDone = errors.New("done")

// kindOf returns the kind of database that is named; what is no other is a file.
func kindOf(database string, others []Database) (Database, error) {
	for _, d := range append(others, sqliteFile{}) {
		if mine, err := d.Check(database); mine {
			return d, err
		}
	}
	return sqliteFile{}, errors.New("-database must name a file")
}

// sqliteFile is the kind that needs nothing but a file name.
type sqliteFile struct{}

func (sqliteFile) Flags(*flag.FlagSet) {}

// otherDatabase is how other databases are named. As a file such a name would
// be a surprise, and may hold a password.
var otherDatabase = regexp.MustCompile(`://|\b(?:host|port|dbname|user|password|sslmode)=`)

func (sqliteFile) Check(database string) (bool, error) {
	if otherDatabase.MatchString(database) {
		return true, errors.New("-database must name a file, or, for the program in example/cluster, be a postgres:// URL")
	}
	return database != "", nil
}

func (sqliteFile) Open(ctx context.Context, database string, _ io.Writer) (Store, error) {
	return sqlite.Open(ctx, database)
}
