package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jmoiron/sqlx"
)

// Preparer is a *sqlx.DB, *sqlx.Conn or *sqlx.Tx.
type Preparer interface {
	PreparexContext(ctx context.Context, query string) (*sqlx.Stmt, error)
}

// Statements prepares each statement once.
type Statements struct {
	on    Preparer
	mu    sync.RWMutex
	stmts map[string]*sqlx.Stmt
}

// Prepare returns an empty set of statements on a pool or a connection.
func Prepare(on Preparer) *Statements {
	return &Statements{on: on, stmts: make(map[string]*sqlx.Stmt)}
}

func (s *Statements) get(ctx context.Context, query string) (*sqlx.Stmt, error) {
	s.mu.RLock()
	stmt, ok := s.stmts[query]
	s.mu.RUnlock()
	if ok {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := s.on.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = stmt
	return stmt, nil
}

// Close ends all statements.
func (s *Statements) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	clear(s.stmts)
	return errors.Join(errs...)
}

// Conn returns a connection whose statements end with ctx. Errors of the
// driver go through translate.
func (s *Statements) Conn(ctx context.Context, translate func(error) error) Conn {
	return prepared{ctx, s, translate}
}

type prepared struct {
	ctx       context.Context
	stmts     *Statements
	translate func(error) error
}

func (p prepared) Get(dest any, query string, args ...any) (bool, error) {
	stmt, err := p.stmts.get(p.ctx, query)
	if err != nil {
		return false, p.translate(err)
	}
	if row, ok := dest.(Row); ok {
		err = stmt.Stmt.QueryRowContext(p.ctx, args...).Scan(row.Columns()...)
	} else {
		err = stmt.GetContext(p.ctx, dest, args...)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, p.translate(err)
}

func (p prepared) Select(dest any, query string, args ...any) error {
	stmt, err := p.stmts.get(p.ctx, query)
	if err == nil {
		err = stmt.SelectContext(p.ctx, dest, args...)
	}
	return p.translate(err)
}

func (p prepared) Exec(query string, args ...any) (int64, error) {
	stmt, err := p.stmts.get(p.ctx, query)
	if err != nil {
		return 0, p.translate(err)
	}
	res, err := stmt.ExecContext(p.ctx, args...)
	if err != nil {
		return 0, p.translate(err)
	}
	return res.RowsAffected()
}
