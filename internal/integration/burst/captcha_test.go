package burst_test

import (
	"testing"

	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/torture"
)

// Of many right answers to one captcha one gets a ticket.
func TestAbuse_A04_rightAnswersAtOnce(t *testing.T) {
	siege(t, 1, nil, func(h *house) {
		h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
			token, answer := h.puzzle()
			answers, ok := h.fire(way, 30, func(int) burst.Request {
				return request("POST", verifyPath, "token", token, "captcha_code", answer, "sender", "ann@b.example")
			})
			if !ok {
				return false
			}
			got := tally(h, answers)
			if got["200"] != 1 || got[captchaRefused] != 29 {
				h.Errorf("30 right answers: %v, want one ticket", got)
			}
			return true
		})
	})
}

// One answer is looked at, whichever it is: if it is not the right one, that
// does not work afterwards.
func TestAbuse_A04_wrongAnswersAtOnce(t *testing.T) {
	siege(t, 1, nil, func(h *house) {
		h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
			token, answer := h.puzzle()
			try := func(answer string) burst.Request {
				return request("POST", verifyPath, "token", token, "captcha_code", answer, "sender", "ann@b.example")
			}
			answers, ok := h.fire(way, 30, func(i int) burst.Request {
				if i%10 == 9 {
					return try(answer)
				}
				return try("")
			})
			if !ok {
				return false
			}
			got := tally(h, answers)
			if got["200"] > 1 || got["200"]+got[captchaRefused] != 30 {
				h.Errorf("three right answers and 27 empty ones: %v", got)
			}
			if again := h.call(try(answer)); code(h, again) != captchaRefused {
				h.Errorf("the right answer afterwards: %d %s", again.Status, again.Body)
			}
			return true
		})
	})
}

// A ticket is good for one mail, at however many instances it is presented.
func TestAbuse_A04_B18_oneTicket(t *testing.T) {
	for name, instances := range map[string]int{"one instance": 1, "three instances": 3} {
		t.Run(name, func(t *testing.T) {
			siege(t, instances, nil, func(h *house) {
				h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
					email := person()
					ticket := h.ticket(email)
					answers, ok := h.fire(way, 30, func(int) burst.Request {
						return request("POST", sendPath, "email", email, "type", "LOGIN_EMS", "captcha_token", ticket)
					})
					if !ok {
						return false
					}
					got := tally(h, answers)
					if got["200"] != 1 || got[captchaRefused] != 29 {
						h.Errorf("30 sends with one ticket: %v, want one to succeed", got)
					}
					h.mails.wait(h, email)
					return true
				})
				h.noSecondMail()
			})
		})
	}
}

// A ticket in wrong hands is spent. The right ones may come too late.
func TestAbuse_A04_ticketInWrongHands(t *testing.T) {
	siege(t, 1, nil, func(h *house) {
		mails := 0
		h.eachWay(torture.Rounds(2, 100), func(h *house, way burst.Way) bool {
			email := person()
			ticket := h.ticket(email)
			send := func(email string) burst.Request {
				return request("POST", sendPath, "email", email, "type", "LOGIN_EMS", "captcha_token", ticket)
			}
			answers, ok := h.fire(way, 30, func(i int) burst.Request {
				if i%2 == 0 {
					return send(person())
				}
				return send(email)
			})
			if !ok {
				return false
			}
			got := tally(h, answers)
			if got["200"] > 1 || got["200"]+got[captchaRefused] != 30 {
				h.Errorf("one ticket for 16 addresses: %v", got)
			}
			if got["200"] == 1 {
				h.mails.wait(h, email)
				mails++
			}
			return true
		})
		h.noSecondMail()
		h.Logf("in %d rounds the right hands were first", mails)
	})
}
