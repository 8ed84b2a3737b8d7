// Package abuse tries what people of bad intent try, over the public handlers
// and on each store: to get mail without a captcha, to mail whom they must not,
// to fill what is kept, to read what is copied, to keep the server busy. The
// tests are named after the rows of the catalogue of abuse cases.
package abuse
