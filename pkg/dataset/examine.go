package dataset

// PictureFact is what a picture's file says of it.
type PictureFact struct{ H, W int } // pixels, upright

// Examine reads a folder for somebody who has chosen nothing yet: pictures of
// any size, as small ones, without those that cannot be read; whole sub-folders
// in one part where all pictures lie in such. Found.Pictures has the sizes; the
// reference is what it was read by.
func Examine(path string) (*Set, Ref, error) {
	ref := Ref{Path: path, Accept: AcceptAll()}
	if names, err := listNames(path); err != nil || hasIDX(names) || isCIFAR(path, names) {
		set, err := Load(ref, "")
		return set, ref, err
	}
	const small = 32
	ref.Resize, ref.SkipUnreadable, ref.Groups = &[2]int{small, small}, true, GroupsSubfolder
	set, err := Load(ref, "")
	if err != nil {
		ref.Groups = ""
		set, err = Load(ref, "")
	}
	return set, ref, err
}

func isCIFAR(path string, names []string) bool {
	_, names = cifarFolder(path, names)
	return hasCIFAR(names)
}
