package captcha_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"time"

	"example.com/mailkey/captcha"
	"example.com/mailkey/storage/memory"
)

// A person reads the digits off Challenge.Image; this program does a proof of
// work instead.
func Example() {
	service, err := captcha.New(captcha.Config{
		Store:   memory.New(),
		Engines: []captcha.Engine{captcha.Digits(), captcha.ProofOfWork(12)},
	})
	if err != nil {
		panic(err)
	}
	ctx, peer := context.Background(), []byte("hash of the client's address")

	challenge, err := service.Issue(ctx, "pow", peer)
	if err != nil {
		panic(err) // ErrBusy among others
	}
	fmt.Println(challenge.Kind, challenge.Proof.Algorithm, challenge.Proof.Difficulty)

	proof := 0
	for {
		sum := sha256.Sum256([]byte(challenge.Proof.Salt + strconv.Itoa(proof)))
		if sum[0] == 0 && sum[1] < 16 { // 12 zero bits
			break
		}
		proof++
	}
	answer := captcha.Answer{Code: strconv.Itoa(proof)}
	fmt.Println(service.Verify(ctx, challenge.Token, answer))
	fmt.Println(service.Verify(ctx, challenge.Token, answer)) // spent
	// Output:
	// pow SHA-256 12
	// true <nil>
	// false <nil>
}

// The slider is the default here, for clients that never ask for a kind; who
// cannot see it asks for the digits, and listens to them.
func ExampleSlider() {
	service, err := captcha.New(captcha.Config{
		Store:   memory.New(),
		Engines: []captcha.Engine{captcha.Slider(), captcha.Digits()},
	})
	if err != nil {
		panic(err)
	}
	challenge, err := service.Issue(context.Background(), "", []byte("hash of the client's address"))
	if err != nil {
		panic(err)
	}
	for _, file := range [][]byte{challenge.Image, challenge.Piece} {
		picture, err := png.DecodeConfig(bytes.NewReader(file))
		fmt.Println(picture.Width, picture.Height, err)
	}
	unmoved := captcha.Answer{Point: `{"x":0.0,"y":5.0}`}
	fmt.Println(service.Verify(context.Background(), challenge.Token, unmoved))
	// Output:
	// 310 155 <nil>
	// 47 155 <nil>
	// false <nil>
}

func ExampleService_Handler() {
	service, err := captcha.New(captcha.Config{Store: memory.New(), Lifetime: time.Minute})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/captcha/", http.StripPrefix("/captcha", service.Handler()))
	mux.HandleFunc("POST /subscribe", func(w http.ResponseWriter, r *http.Request) {
		answer := captcha.Answer{Code: r.PostFormValue("code")}
		ok, err := service.Verify(r.Context(), r.PostFormValue("token"), answer)
		if err != nil || !ok {
			http.Error(w, "please try another picture", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "welcome")
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	response, err := http.Get(server.URL + "/captcha/")
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	var challenge struct {
		Token  string
		Type   string
		Expire int
		Image  []byte
	}
	if err := json.NewDecoder(response.Body).Decode(&challenge); err != nil {
		panic(err)
	}
	fmt.Println(challenge.Type, challenge.Expire, http.DetectContentType(challenge.Image))

	response, err = http.PostForm(server.URL+"/subscribe", url.Values{"token": {challenge.Token}, "code": {"guess"}})
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output:
	// digits 60 image/png
	// 403 Forbidden
}
