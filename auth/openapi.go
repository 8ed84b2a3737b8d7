package auth

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
)

// openAPI describes the wire. It is JSON, so that it is served as it is written
// and nobody needs a parser for YAML. internal/integration compares it with
// all that the tests of this package say and hear over HTTP.
//
//go:embed openapi.json
var openAPI []byte

// OpenAPIHandler serves a description of the wire for programs: an OpenAPI 3.1
// document, with the issuer as its server. It is not among the paths of
// [Auth.Handler]; mount it where you like, for example at GET /openapi.json,
// or not at all.
func (a *Auth) OpenAPIHandler() http.Handler { return a.handlers.openAPI }

// describe returns the description of the wire as it is with this
// configuration.
func describe(config Config) ([]byte, error) {
	text := openAPI
	if config.InsecureCookie {
		text = bytes.ReplaceAll(text, []byte(CookieName), []byte(InsecureCookieName))
		text = bytes.ReplaceAll(text, []byte("; Secure"), nil)
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	servers, err := json.Marshal([]map[string]string{{"url": config.Issuer}})
	if err != nil {
		return nil, err
	}
	document["servers"] = servers
	return json.Marshal(document)
}
