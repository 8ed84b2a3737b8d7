package loginpage_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/loginpage"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

// printer is a Mailer for the example; auth/smtpmailer is one for an app.
var printer auth.MailerFunc = func(_ context.Context, m auth.CodeMail) error {
	fmt.Println("mail to", m.To)
	return nil
}

// The page beside the endpoints that it uses, and a route of the app that sends
// people there.
func Example() {
	a, err := auth.New(auth.Config{
		Store: memory.New(), Mailer: printer, Secret: auth.Secret("correct horse battery staple 0123456789"),
		Issuer: "https://app.example", Clients: []auth.Client{{ID: "web", Cookie: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := loginpage.New(a, loginpage.Options{
		ProductName: "Example",
		Accent:      "#0b6e4f",
		Texts:       map[string]map[string]string{"en": {"email_intro": "Members only, for now."}},
		Links:       map[string][]loginpage.Link{"en": {{Text: "Privacy", URL: "/privacy"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	account := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "Hello %s\n", id.Email)
	})

	app := http.NewServeMux()
	app.Handle("/api/", a.Handler())
	app.Handle("/login", page)
	app.Handle("/login/", page)
	app.Handle("/account", middleware.RequireSession(a, middleware.LoginPage("/login"))(account))

	for _, path := range []string{"/account", "/login?return_to=%2Faccount", "/login/sessions"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Sec-Fetch-Mode", "navigate") // as a browser that opens a page
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(path, w.Code, cmp.Or(w.Header().Get("Location"), "is a page"))
	}
	// Output:
	// /account 303 /login?return_to=%2Faccount
	// /login?return_to=%2Faccount 200 is a page
	// /login/sessions 303 /login?return_to=%2Flogin%2Fsessions
}
