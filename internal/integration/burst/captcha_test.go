package burst_test

import (
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
)

// Of many right answers to one captcha one gets a ticket.
func TestAbuse_A04_rightAnswersAtOnce(t *testing.T) {
	siege{
		rounds: torture.Rounds(2, 100),
		round: func(h *house.House, way burst.Way) bool {
			token, answer := h.Puzzle()
			answers, ok := fire(h, way, 30, func(int) burst.Request { return house.Verify(token, answer, "ann@b.example") })
			if got := tally(h, answers); ok && (got[house.OK] != 1 || got[captchaRefused] != 29) {
				h.Errorf("30 right answers: %v, want one ticket", got)
			}
			return ok
		},
	}.lay(t)
}

// One answer is looked at, whichever it is: if it is not the right one, that
// does not work afterwards.
func TestAbuse_A04_wrongAnswersAtOnce(t *testing.T) {
	siege{
		rounds: torture.Rounds(2, 100),
		round: func(h *house.House, way burst.Way) bool {
			token, answer := h.Puzzle()
			answers, ok := fire(h, way, 30, func(i int) burst.Request {
				if i%10 == 9 {
					return house.Verify(token, answer, "ann@b.example")
				}
				return house.Verify(token, "", "ann@b.example")
			})
			if !ok {
				return false
			}
			if got := tally(h, answers); got[house.OK] > 1 || got[house.OK]+got[captchaRefused] != 30 {
				h.Errorf("three right answers and 27 empty ones: %v", got)
			}
			h.Refused(house.Verify(token, answer, "ann@b.example"), auth.ReasonCaptcha, "the right answer afterwards")
			return true
		},
	}.lay(t)
}

// A ticket is good for one mail, at however many instances it is presented.
func TestAbuse_A04_B18_oneTicket(t *testing.T) {
	for name, n := range instances {
		t.Run(name, siege{
			instances: n, rounds: torture.Rounds(2, 100),
			round: func(h *house.House, way burst.Way) bool {
				email := house.Person()
				ticket := h.Ticket(email)
				answers, ok := fire(h, way, 30, func(int) burst.Request { return house.Send(email, ticket) })
				if !ok {
					return false
				}
				if got := tally(h, answers); got[house.OK] != 1 || got[captchaRefused] != 29 {
					h.Errorf("30 sends with one ticket: %v, want one to succeed", got)
				}
				h.Mails.Wait(h, email, 1)
				return true
			},
			end: (*house.House).NoSecondMail,
		}.lay)
	}
}

// A ticket in wrong hands is spent. The right ones may come too late.
func TestAbuse_A04_ticketInWrongHands(t *testing.T) {
	siege{
		rounds: torture.Rounds(2, 100),
		round: func(h *house.House, way burst.Way) bool {
			email := house.Person()
			ticket := h.Ticket(email)
			answers, ok := fire(h, way, 30, func(i int) burst.Request {
				if i%2 == 0 {
					return house.Send(house.Person(), ticket)
				}
				return house.Send(email, ticket)
			})
			if !ok {
				return false
			}
			got := tally(h, answers)
			if got[house.OK] > 1 || got[house.OK]+got[captchaRefused] != 30 {
				h.Errorf("one ticket for 16 addresses: %v", got)
			}
			if got[house.OK] == 1 {
				h.Mails.Wait(h, email, 1)
			}
			return true
		},
		end: (*house.House).NoSecondMail,
	}.lay(t)
}
