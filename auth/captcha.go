package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// captchaReply has the fifteen fields of the API family, most of which other
// kinds of captcha once used, and three of ours.
type captchaReply struct {
	CaptchaID           *string `json:"captchaId"`
	ProjectCode         *string `json:"projectCode"`
	CaptchaOriginalPath *string `json:"captchaOriginalPath"`
	CaptchaFontType     *string `json:"captchaFontType"`
	CaptchaFontSize     *int    `json:"captchaFontSize"`
	SecretKey           *string `json:"secretKey"`
	OriginalImageBase64 *string `json:"originalImageBase64"`
	Point               *string `json:"point"`
	JigsawImageBase64   *string `json:"jigsawImageBase64"`
	WordList            *string `json:"wordList"`
	PointList           *string `json:"pointList"`
	PointJSON           *string `json:"pointJson"`
	Token               string  `json:"token"`
	Result              bool    `json:"result"`
	CaptchaVerification *string `json:"captchaVerification"`

	Type   string         `json:"captchaType"`
	Expire int            `json:"expire"` // seconds
	Proof  *captcha.Proof `json:"pow"`
}

// getCaptcha issues a captcha of the kind asked for, if that is enabled.
func (a *Auth) getCaptcha(c *call) error {
	host, _ := hostAndNetwork(c.peer)
	challenge, err := a.captcha.Issue(c.ctx, c.r.URL.Query().Get("type"), a.keys.pseudonym("captcha peer", host.String()))
	if err != nil {
		return captchaFailure("issue a captcha", err)
	}
	return c.reply(captchaReply{
		Token:               challenge.Token,
		Type:                challenge.Kind,
		Expire:              int(challenge.ExpiresAt.Sub(c.now) / time.Second),
		OriginalImageBase64: base64Image(challenge.Image),
		JigsawImageBase64:   base64Image(challenge.Piece),
		Proof:               challenge.Proof,
	})
}

func base64Image(png []byte) *string {
	if png == nil {
		return nil
	}
	s := base64.StdEncoding.EncodeToString(png)
	return &s
}

// getCaptchaAudio plays the captcha to people who cannot see it.
func (a *Auth) getCaptchaAudio(c *call) error {
	wav, ok, err := a.captcha.Audio(c.ctx, c.r.URL.Query().Get("token"), a.catalog.languages[c.lang])
	if err != nil {
		return captchaFailure("play a captcha", err)
	}
	if !ok {
		return refuse(ReasonCaptcha)
	}
	c.w.Header().Set("Content-Type", "audio/wav")
	_, _ = c.w.Write(wav) // the client went away: nothing to do
	return nil
}

func captchaFailure(doing string, err error) error {
	if errors.Is(err, captcha.ErrBusy) {
		return &failure{reason: ReasonBusy, wait: time.Second}
	}
	return busy(doing, err)
}

// verifyCaptcha turns the right answer into a captcha_token for one mail to
// the address.
func (a *Auth) verifyCaptcha(c *call) error {
	addr, err := c.readAddress("sender")
	if err != nil {
		return err
	}
	code, hasCode := c.body["captcha_code"]
	point, hasPoint := c.body["point_json"]
	if hasCode == hasPoint {
		return refuse(ReasonMalformed)
	}
	pause := a.wrongCaptchaPause(c)
	pause.Look = true
	if err := a.takeLimits(c, pause); err != nil {
		return err
	}
	right, err := a.captcha.Verify(c.ctx, c.body["token"], captcha.Answer{Code: code, Point: point})
	if err != nil {
		return busy("verify a captcha", err)
	}
	if err := failpoint.Hit("captcha: spent"); err != nil {
		return err
	}
	if !right {
		if err := a.countWrongCaptcha(c); err != nil {
			return err
		}
		return refuse(ReasonCaptcha)
	}
	token := randomToken(32)
	err = a.config.Store.PutTicket(c.ctx, storage.Ticket{
		ID:        ticketID(token),
		Binding:   a.who(c, addr, "ticket").binding,
		ExpiresAt: c.now.Add(ticketLifetime),
	})
	if err != nil {
		return busy("store a ticket", err)
	}
	return c.reply(struct {
		Token string `json:"captcha_token"`
	}{token})
}

// spendTicket refuses the request unless its captcha_token was given to this
// client and device for this address. The token is spent in any case.
func (a *Auth) spendTicket(c *call, addr address) error {
	token := c.body["captcha_token"]
	if token == "" {
		return refuse(ReasonCaptcha)
	}
	ok, err := a.config.Store.TakeTicket(c.ctx, ticketID(token), a.who(c, addr, "ticket").binding, c.now)
	if err != nil {
		return busy("spend a ticket", err)
	}
	if !ok {
		return refuse(ReasonCaptcha)
	}
	return nil
}

func ticketID(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
