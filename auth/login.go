package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"example.com/mailkey/internal/failpoint"
	"example.com/mailkey/storage"
)

// loginReply is what the contract promises for a right code.
type loginReply struct {
	SessionToken string `json:"session_token,omitempty"` // cookie clients do not get it
	Expire       int    `json:"expire"`                  // seconds
	Status       string `json:"status"`
	IDToken      string `json:"id_token"`
}

// login turns a mailed code into a session and an id_token.
//
// Comparing happens here, with a code made anew from the challenge; counting,
// and letting in, happens in the store, in one transaction, and this function
// answers nothing that was not counted. Every wrong answer takes the same way,
// whatever it is that is wrong.
func (a *Auth) login(c *call) error {
	field := "email"
	if _, misspelt := c.body["emial"]; misspelt { // as the published example has it
		field = "emial"
		if _, both := c.body["email"]; both {
			return refuse(ReasonMalformed)
		}
	}
	addr, err := c.readAddress(field)
	if err != nil {
		return err
	}
	code := strings.Trim(c.body["verify_code"], " \t\r\n")
	if code == "" {
		return refuse(ReasonCodeEmpty)
	}
	flow := a.who(c, addr, purposeLogin)
	if err := a.takeLimits(c, a.config.Limits.LoginDevice.limit(a.limitKey("login", "flow", string(flow.binding)), 1)); err != nil {
		return err
	}
	// Whoever has to wait is told so before anything is compared, and with a code
	// that has become too short nothing is.
	wait, level, err := a.config.Store.GuessWait(c.ctx, flow.address, flow.device, a.config.Limits.Address, c.now)
	if err != nil {
		return busy("look at the failures", err)
	}
	if wait > 0 {
		return limited(wait)
	}
	challenge, found, err := a.config.Store.FindChallenge(c.ctx, flow.binding, a.config.Limits.Address, c.now)
	if err != nil {
		return busy("find the challenge", err)
	}
	guess := storage.Guess{
		Binding: flow.binding, ChallengeID: challenge.ID, Address: flow.address, Device: flow.device,
		Right: a.isRight(challenge, found && challenge.Level >= level, flow.binding, code),
	}
	if err := failpoint.Hit("login: compared"); err != nil {
		return err
	}
	var granted grant
	if guess.Right {
		if granted, err = a.prepareGrant(c, addr, challenge, &guess); err != nil {
			return err
		}
	}

	// From here on the client can go away: the guess is counted all the same.
	var cancel context.CancelFunc
	c.ctx, cancel = context.WithTimeout(context.WithoutCancel(c.ctx), requestDeadline)
	defer cancel()
	redeemed, err := a.redeem(c.ctx, guess, granted.generation, c.now)
	if err != nil {
		return busy("redeem the code", err)
	}
	if err := failpoint.Hit("login: redeemed"); err != nil {
		return err
	}
	a.logLogin(c, flow, redeemed)
	switch redeemed.Result {
	case storage.GuessLoggedIn:
		a.endReplacedSession(c)
		return a.replyLogin(c, granted)
	case storage.GuessLimited:
		return limited(redeemed.Wait)
	case storage.GuessNoUser:
		return refuse(ReasonUserUnknown)
	case storage.GuessDisabled, storage.GuessRefused:
		return refuse(ReasonUserDisabled)
	}
	return refuse(ReasonCode) // wrong or gone: nobody is told which
}

// isRight compares the code. It does the same work when there is nothing to
// compare with.
func (a *Auth) isRight(challenge storage.Challenge, found bool, binding []byte, code string) bool {
	secret := a.secrets[0]
	known := false
	for _, s := range a.secrets {
		if s.id == challenge.SecretID {
			secret, known = s, true
		}
	}
	equal := codeEqual(deriveCode(secret.code, binding, challenge), code)
	return equal && found && known
}

// grant is what the owner of the mailbox gets if the code is redeemed.
type grant struct {
	token   string
	idToken string
	id      Identity

	generation int64 // of the user
}

// prepareGrant does everything that can fail, or that the host decides, before
// the code is redeemed: afterwards nothing may go wrong any more.
func (a *Auth) prepareGrant(c *call, addr address, challenge storage.Challenge, guess *storage.Guess) (grant, error) {
	user, exists, err := a.userOf(c.ctx, addr)
	if err != nil {
		return grant{}, busy("find the user", err)
	}
	guess.Email, guess.MailTo = addr.folded, addr.typed
	if exists && !user.DisabledAt.IsZero() {
		guess.Refuse = true // even if somebody enables the user before it is redeemed
		return grant{}, nil
	}
	g := grant{token: randomToken(32), generation: user.Generation, id: Identity{
		UserID: challenge.UserID, Email: addr.folded, SessionID: randomToken(16), ClientID: c.client.ID, LoginAt: c.now,
	}}
	if exists {
		g.id.UserID = user.ID
	} else if guess.Register, err = a.mayRegister(c.ctx, addr, c.client.ID); err != nil || !guess.Register {
		return grant{}, err
	}
	if err := a.callLoginHooks(c.ctx, g.id, !exists); errors.Is(err, ErrLoginRefused) {
		guess.Refuse = true
		return grant{}, nil
	} else if err != nil {
		return grant{}, err
	}
	extra, err := a.extraClaims(c.ctx, g.id)
	if err != nil {
		return grant{}, err
	}
	if g.idToken, err = a.signIDToken(c.ctx, g.id, extra, c.now); err != nil {
		return grant{}, busy("sign the id_token", err)
	}
	guess.MaxSessions = a.config.MaxSessions
	guess.Session, err = a.newSession(c, g)
	return g, err
}

// userOf returns the user with the address.
func (a *Auth) userOf(ctx context.Context, addr address) (storage.User, bool, error) {
	user, exists, err := a.config.Store.UserByEmail(ctx, addr.folded)
	if err == nil && exists && user.Email != addr.folded {
		return storage.User{}, false, errMixedUp
	}
	return user, exists, err
}

func (a *Auth) replyLogin(c *call, g grant) error {
	reply := loginReply{
		Expire: int(a.config.SessionLifetime / time.Second), Status: "SUCCESS", IDToken: g.idToken,
	}
	if c.client.Cookie {
		a.setCookie(c.w, g.token, a.config.SessionLifetime)
	} else {
		reply.SessionToken = g.token
	}
	return c.reply(reply)
}

// logLogin writes the one line that every login leaves, refused or not. It says
// from where, so that whoever was talked into passing on a code can be told.
func (a *Auth) logLogin(c *call, flow who, redeemed storage.Redeemed) {
	a.config.Logger.Info("login", "result", loginResults[redeemed.Result], "new_user", redeemed.NewUser,
		"user", redeemed.User.ID, "address", logKey(flow.address), "client", c.client.ID, "peer", c.peer, "agent", c.device.agent)
}

var loginResults = map[storage.GuessResult]string{
	storage.GuessGone:     "no live code",
	storage.GuessWrong:    "wrong code",
	storage.GuessLimited:  "limited",
	storage.GuessRefused:  "refused by the app",
	storage.GuessNoUser:   "no user",
	storage.GuessDisabled: "user is disabled",
	storage.GuessLoggedIn: "ok",
}
