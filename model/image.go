package model

// ImageTower is CLIP's image encoder: a ViT or CLIP's ModifiedResNet.
type ImageTower struct {
	Config ImageConfig

	pre Preprocess
	vit *vit
	res *resnet
}

// NewImageTower declares the tower's parameters in the order of their first use.
func NewImageTower(c *Config, p Declare) *ImageTower {
	t := &ImageTower{Config: c.Image, pre: c.Preprocess}
	if c.Image.Kind == ResNet {
		t.res = newResNet(c, p)
	} else {
		t.vit = newViT(c, p)
	}
	return t
}

// Encode embeds a batch of pictures. Out is [B, EmbedDim], L2-normalised.
func (t *ImageTower) Encode(ops Ops, px Pixels) Tensor {
	Check(px.Size == t.Config.Size, "encode image", "a picture of %d px, the encoder takes %d", px.Size, t.Config.Size)
	if t.res != nil {
		return ops.Normalize(t.res.encode(ops, px, &t.Config, t.pre))
	}
	return ops.Normalize(t.vit.encode(ops, px, &t.Config, t.pre))
}

// firsts are the rows of the first tokens of b sequences of n.
func firsts(b, n int) []uint32 {
	rows := make([]uint32, b)
	for i := range rows {
		rows[i] = uint32(i * n)
	}
	return rows
}

// TestPicture is the picture that a bundle's self-test embeds: smooth colour with edges at several scales, in
// integers only, so that it is the same everywhere.
func TestPicture(size int) Picture {
	rgba := make([]byte, 4*size*size)
	for y := range size {
		for x := range size {
			u, v := 256*x/size, 256*y/size
			p := rgba[4*(y*size+x):]
			p[0] = byte(u)
			p[1] = byte(u ^ v)
			p[2] = byte(u * v >> 6)
			p[3] = 255
		}
	}
	return Picture{Size: size, RGBA: rgba}
}
