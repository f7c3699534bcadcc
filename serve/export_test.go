package serve

// SetTextForm has the program read texts in another version of the normal form, as
// an older or newer one would say, until restore is called.
func SetTextForm(form int) (restore func()) {
	before := textForm
	textForm = form
	return func() { textForm = before }
}
