package yamlkeys

// Int is the number of a key that may not be given.
func (v *Value) Int(name string, otherwise int) int {
	if x := v.Get(name); x != nil {
		return int(x.Num)
	}
	return otherwise
}

// Float is the number of a key that may not be given.
func (v *Value) Float(name string, otherwise float64) float64 {
	if x := v.Get(name); x != nil {
		return x.Num
	}
	return otherwise
}

// Str is the text of a key that may not be given.
func (v *Value) Str(name, otherwise string) string {
	if x := v.Get(name); x != nil {
		return x.Text
	}
	return otherwise
}

// Strs are the texts of a list; nil where it is not given.
func (v *Value) Strs(name string) []string {
	if x := v.Get(name); x != nil {
		return x.Texts()
	}
	return nil
}

// Texts are the texts of a list's items.
func (v *Value) Texts() []string {
	words := make([]string, len(v.Items))
	for i, item := range v.Items {
		words[i] = item.Text
	}
	return words
}
