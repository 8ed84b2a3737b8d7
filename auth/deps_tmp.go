package auth

import (
	_ "github.com/MicahParks/jwkset"
	_ "github.com/MicahParks/keyfunc/v3"
	_ "github.com/alexedwards/scs/v2"
	_ "github.com/dchest/captcha"
	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/gorilla/mux"
	_ "github.com/jmoiron/sqlx"
	_ "github.com/wneessen/go-mail"
	_ "golang.org/x/net/idna"
	_ "golang.org/x/text/language"
	_ "modernc.org/sqlite"
)
