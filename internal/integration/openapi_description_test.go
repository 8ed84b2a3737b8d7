package integration

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/authtest"
)

// description is what OpenAPIHandler serves.
type description struct {
	doc    *openapi3.T
	router routers.Router
	issuer *url.URL
	known  map[string]bool // documents that were looked at
}

func describe(t *testing.T, s server) *description {
	t.Helper()
	kit := authtest.New(t, func(c *auth.Config) { c.Issuer, c.InsecureCookie = s.Issuer, s.InsecureCookie })
	w := httptest.NewRecorder()
	kit.Auth.OpenAPIHandler().ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	d := &description{known: make(map[string]bool)}
	var err error
	if d.doc, err = openapi3.NewLoader().LoadFromData(w.Body.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := d.doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.issuer, err = url.Parse(d.doc.Servers[0].URL); err != nil || len(d.doc.Servers) != 1 || d.doc.Servers[0].URL != s.Issuer {
		t.Fatalf("servers: got %v, want %s", d.doc.Servers, s.Issuer)
	}
	if d.router, err = gorillamux.NewRouter(d.doc); err != nil {
		t.Fatal(err)
	}
	for name, schema := range d.doc.Components.Schemas {
		if name != "IDTokenClaims" { // to which apps add
			closeObjects(schema.Value)
		}
	}
	return d
}

// closeObjects makes members that are not described a mistake. Clients must
// not think so, but this test has to.
func closeObjects(s *openapi3.Schema) {
	if s.Type.Is("object") && s.AdditionalProperties.Has == nil {
		s.AdditionalProperties.Has = new(bool)
	}
	for _, inner := range slices.Concat(s.OneOf, s.AllOf) {
		if inner.Ref == "" {
			closeObjects(inner.Value)
		}
	}
}

// check compares an exchange with the description, and says which of the
// outcomes that it describes this one was.
func (d *description) check(ctx context.Context, e exchange) (outcomes []string, err error) {
	path := e.URI
	if !strings.HasPrefix(path, d.issuer.Path+"/") { // the prefix may be stripped
		path = d.issuer.Path + path
	}
	r, err := http.NewRequestWithContext(ctx, e.Method, d.issuer.Scheme+"://"+d.issuer.Host+path, bytes.NewReader(e.Body))
	if err != nil {
		return nil, err
	}
	r.Header = e.Header
	route, params, err := d.router.FindRoute(r)
	switch {
	case errors.Is(err, routers.ErrMethodNotAllowed) && e.Status == http.StatusNoContent:
		return nil, d.checkMethods(r, e.Answer.Get("Access-Control-Allow-Methods"))
	case errors.Is(err, routers.ErrMethodNotAllowed):
		return []string{wrongMethod}, errors.Join(d.checkMethods(r, e.Answer.Get("Allow")),
			d.checkResponse(http.StatusMethodNotAllowed, d.doc.Components.Responses[wrongMethod].Value, e))
	case errors.Is(err, routers.ErrPathNotFound) && e.Status == http.StatusNotFound && isJSON(e):
		return []string{wrongPath}, d.checkResponse(http.StatusNotFound, d.doc.Components.Responses[wrongPath].Value, e)
	case errors.Is(err, routers.ErrPathNotFound):
		return nil, nil // the app's own; a test of package auth compares the paths that there are
	case err != nil:
		return nil, err
	}
	described := route.Operation.Responses.Status(e.Status)
	if described == nil {
		return nil, fmt.Errorf("%s %s has no status %d", e.Method, route.Path, e.Status)
	}
	if e.Status < 300 {
		if err := openapi3filter.ValidateRequest(ctx, &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route, QueryParams: r.URL.Query(),
			Options: &openapi3filter.Options{AuthenticationFunc: carries, SkipSettingDefaults: true},
		}); err != nil {
			return nil, err
		}
	}
	if err := d.checkResponse(e.Status, described.Value, e); err != nil {
		return nil, fmt.Errorf("%s %s, status %d: %w", e.Method, route.Path, e.Status, err)
	}
	var refused struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal(e.Content, &refused) // sound and keys have no code
	outcomes = append(outcomes, outcome(e.Method, route.Path, strconv.Itoa(e.Status), refused.Code))
	for name := range e.Answer {
		outcomes = append(outcomes, outcome(e.Method, route.Path, strconv.Itoa(e.Status), name))
	}
	return outcomes, nil
}

// The responses that are described apart from operations.
const wrongPath, wrongMethod = "NotFound", "MethodNotAllowed"

func isJSON(e exchange) bool {
	return e.Answer.Get("Content-Type") == "application/json; charset=utf-8"
}

// checkMethods compares the methods that a path is said to have.
func (d *description) checkMethods(r *http.Request, said string) error {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		route, _, err := d.router.FindRoute(other)
		if err != nil {
			continue
		}
		methods := strings.Split(said, ", ")
		for described := range route.PathItem.Operations() {
			if i := slices.Index(methods, described); i >= 0 {
				methods = slices.Delete(methods, i, i+1)
			} else {
				return fmt.Errorf("%s has %s, but said %q", route.Path, described, said)
			}
		}
		if len(methods) > 0 {
			return fmt.Errorf("%s has no %v", route.Path, methods)
		}
		return nil
	}
	return errors.New("a path without methods")
}

// carries accepts a request that has credentials of the kind.
func carries(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r, s := in.RequestValidationInput.Request, in.SecurityScheme
	if s.Scheme == "bearer" && r.Header.Get("Authorization") != "" ||
		s.In == openapi3.ParameterInHeader && r.Header.Get(s.Name) != "" ||
		s.In == openapi3.ParameterInCookie && len(r.CookiesNamed(s.Name)) == 1 {
		return nil
	}
	return in.NewError(errors.New("not there"))
}

// undescribedHeaders concern the connection, or answer a browser's questions
// about origins.
var undescribedHeaders = []string{
	"Content-Type", "Connection", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
}

func (d *description) checkResponse(status int, described *openapi3.Response, e exchange) error {
	if e.Status != status {
		return fmt.Errorf("the status is %d, not %d", e.Status, status)
	}
	unexpected := e.Answer.Clone()
	for name, header := range described.Headers {
		if err := checkHeader(header.Value, e.Answer.Values(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		unexpected.Del(name)
	}
	for _, name := range undescribedHeaders {
		unexpected.Del(name)
	}
	if len(unexpected) > 0 {
		return fmt.Errorf("these headers are not described: %v", unexpected)
	}
	contentType, _, _ := strings.Cut(e.Answer.Get("Content-Type"), ";")
	content := described.Content[contentType]
	switch {
	case e.Method == http.MethodHead || len(described.Content) == 0 && len(e.Content) == 0:
		return nil
	case content == nil:
		return fmt.Errorf("the content type is %q", e.Answer.Get("Content-Type"))
	case content.Schema == nil:
		return nil
	case !isJSON(e):
		return errors.New("JSON without a charset")
	}
	return d.checkJSON(content.Schema.Value, e.Content)
}

func checkHeader(described *openapi3.Header, values []string) error {
	if len(values) == 0 && !described.Required {
		return nil
	}
	if len(values) != 1 {
		return fmt.Errorf("there are %d", len(values))
	}
	if described.Schema.Value.Type.Is("integer") {
		n, err := strconv.Atoi(values[0])
		if err != nil {
			return err
		}
		return described.Schema.Value.VisitJSON(float64(n), openapi3.EnableJSONSchema2020())
	}
	return described.Schema.Value.VisitJSON(values[0], openapi3.EnableJSONSchema2020())
}

// checkJSON looks at each different document once.
func (d *description) checkJSON(described *openapi3.Schema, content []byte) error {
	key := fmt.Sprintf("%p %s", described, content)
	if d.known[key] {
		return nil
	}
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		return err
	}
	if err := described.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.VisitAsResponse()); err != nil {
		return err
	}
	if members, ok := value.(map[string]any); ok && members["id_token"] != nil {
		if err := d.checkIDToken(members["id_token"].(string)); err != nil {
			return err
		}
	}
	d.known[key] = true
	return nil
}

// checkIDToken looks into the token, which validators of JSON do not.
func (d *description) checkIDToken(token string) error {
	described := d.doc.Components.Schemas["IDToken"].Value.ContentSchema.Value.PrefixItems
	for i, part := range strings.SplitN(token, ".", 3)[:2] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return err
		}
		if err := described[i].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
			return fmt.Errorf("id_token: %w", err)
		}
	}
	return nil
}

// outcomes are all that the description says can happen: each operation with
// each status, error_code and header.
func (d *description) outcomes() (all []string) {
	all = []string{wrongPath, wrongMethod}
	for path, item := range d.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				codes := []string{""}
				if content := response.Value.Content["application/json"]; content != nil {
					if code := content.Schema.Value.Properties["error_code"]; code != nil {
						codes = nil
						for _, c := range code.Value.Enum {
							codes = append(codes, c.(string))
						}
					}
				}
				for _, code := range codes {
					all = append(all, outcome(method, path, status, code))
				}
				for name := range response.Value.Headers {
					all = append(all, outcome(method, path, status, http.CanonicalHeaderKey(name)))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func outcome(parts ...string) string { return strings.TrimSpace(strings.Join(parts, " ")) }
