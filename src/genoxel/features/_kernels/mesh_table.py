"""The triangles of marching cubes for each of the 256 ways in which 8 voxels can lie inside or outside.

Bit 4x + 2y + z of a code tells whether corner (x, y, z) lies inside. Each word of `CODES` lists the triangles of one
code, three letters a triangle; letter n is `POINTS`[n]: the middle of an edge or of the cube, in half voxels from
corner (0, 0, 0). The choice of triangles is that of Lewiner et al., J Graph Tools 2003;8:1-15 (as scikit-image has it);
area and volume are equal under all flips and permutations of the axes. A test holds the table against scikit-image.
"""

POINTS = (
    (0, 0, 1),
    (0, 1, 0),
    (0, 1, 2),
    (0, 2, 1),
    (1, 0, 0),
    (1, 0, 2),
    (1, 1, 1),
    (1, 2, 0),
    (1, 2, 2),
    (2, 0, 1),
    (2, 1, 0),
    (2, 1, 2),
    (2, 2, 1),
)
CODES = (
    "- bea fca beccef dhb dhaahe bahafhcdhchf dhchfchef idc dbibeiaciaie idffda bedeidefi cibbih "
    "ciaieaihe afbfhbfih iefhei ekj abjjbk jfkfckaekakc fcjckjcbk hkdkjdebdedj kjhjdhjad "
    "hkejekejfefacafacbdbcbdhbhe hkjhjfdhfcdf idckje acjijcjikdkikdb aedkdedkijikijf fidkfdbkdjfk "
    "cebecjijcjikhki ihchjcjacjhk ebakjhfhjhfi hkjfhjihf jlf ejbjlbfabfbl jlaalc jlelbelcb jlfhbd "
    "dfafdlhldlhjejh cdlhldlhjbjhjba lcdeldhedlej lijidjcfjcjd ejflfjflificdcicdabadabeaef idldjldaj "
    "lidldbjlbejb cfbjbfbjhlhjhli facjleieleih ajlhalihlbah ejlielhei ekffkl abfblfbkl ekakcaklc blcklb "
    "lhkhldfdldfbebf klfdkfadfhkd baedhckchckl cdhkchlck likdkikdecedecf facbidiblklb daeldekledli "
    "lidbldklb likhkiecfceb lgkgfkakfkahchahcggihliggcf lgklegelaialaibgbiihgghkebg lihlhk hmk "
    "kemeambhmbma fcamkh bhcmchcmfkfmfke bdkkdm eakamkadm bakfkakfmcmfmcd dmcmecefcmke hdkdckimkikc "
    "imhkhmhkehebabebadcdadcidih ahdhakfkakfmimf hdbmkieikief mkikcikbc mkiikckeceac kbaikafiakim "
    "imkeikfie jemmeh hmbmabmja jfmcmfmchahchae mjfbmfcbfmbh bdedjedmj djadmj ebadfcfdjmjd jfcdjcmjd "
    "jimijcecjcedhde dbhciamaiamj haeahdjfmimf jgmjhghjbfbjbfdgdffiggimhdg bcecmemjecim acimaijam "
    "jgmgembmembiaibiaggfijfggae jfijim mlhlfhjkhjhf ebhbeafaejfefjlkljlkmhmkehk cmlmchahchakjka "
    "ejklhmhlbcbl bjkjbfdfbfdlmld jkelfmamfmad cdlmldjbabjk mgdgkdedkdecjcecjgglcmlggjk "
    "icfcidhdimhihmklkmkljfjlifl ejkdbhfaciml mlikhjdjhjda dbhjkemli imlkfjfkcbck acfmlijke "
    "jgaglaialaibmbibmggkbjkggml limjke lfmfhmfeh hmbbmamlalfa ehahlalcahml bhmlbmcbl feledldmldeb "
    "mlfamfdma mgdmbgbmelemelagallcggcdbag mlcmcd mlifdcdfhehf imlhdbfac agdaigialelalemgmeehgghdimg "
    "dbhiml cgbgibmbibmelemelggfecfggli faclim aeblim mli lmi beamil icmcammaflmf bicibmembmelfle "
    "mhlhbldildlb dialaialemelemh flimilimhihdbdhdbcacbcafcfi icdlmfhfmfhe lmccmd dbmembmelalelac "
    "lmfmafmda efldelmdledb hbmblmbcl healhaclamhl mhbmbalmafla flmhfmefh kmemieljelei aljlaibiaibmkmb "
    "faeafcicflifilmjmlmjkekjfej ljfmikckikcb hdidhbebhkehekjmjkjmlilmhim hkmjilijdadj hkmcdiebaflj "
    "cdikmhljf dkmkdecedecjljc kdbdkmacjljc fljmekemadam kgbgjbfbjbfdldfdlggmdkmgglj kmhjelblelbc "
    "lgcgmchcmchakahakggjaljggkm baeljfkmh jflkmh fjiijm mejembibmbiafai caiamiajm cbemcejmeicm "
    "mhjbjhjbfdfbfdi faidiamejemh icdahbhamjma mgjgijcjijcedecedgghemhggdi fjcjdcjmd acfbedjdedjm jdamdj "
    "dbejdemdj jmfmbfbcfbmh mgjmfgfmchcmchagahheggejfag mhbambjma ejmemh mikiekife bkakiaifaikm "
    "kmikicekcaec kmickibkc kmhibdbiefei dgaghakahakfmfkfmggifdiggmh hkmebaicd icdmhk mdcemcfeckme "
    "kgbkagakfmfkfmcgcmmdggdbacg aekmakdam dbkdkm cgbchghcmfmcmfkgkffeggebhkg acfhkm baehkm mhk ilhhlk "
    "kelalelaibiaibh kflfkahakahcich kflfkeichbhc ildlbdlkb adedlelkeldi cdiafblbfblk "
    "kglkigikdedkdecgceefggflicg dchckhclk hdbceaecklkc lkfkdfdafkhd kglghldlhldfbfdfbggefkeggbh lbclkb "
    "keackalkc baflbfkbl kefkfl jeleilehi jalahlhilabh ljfecaceihie bgcbfgfbjhjbjhlglhhiggicflg "
    "ilddlbljbjeb diljdladj fljicdeba cdiflj cldledehdelj lgcldgdlhjhlhjbgbjjaggacdbg "
    "agdgfdldfdlhjhlhjggehaeggjf fljdbh ljebleclb ljalac fljaeb ljf khjhfjhif jkehabahfifh hicjhcajchjk "
    "bgcgecjcecjikijikgghibhggke ifdfkdkbdfjk dgadegedkikdkijgjiifggfaejg jgajcgcjikijikdgdkkbggbacdg "
    "cdiejk khjjhfhdfdcf ejkfachdb jkhdjhajd ejkbhd cfjkcjbck acfejk bajbjk kej eifehi fabhfbifh "
    "icaeiahie icbibh ebdiedfei difdfa aebcdi dic hdcfhcehf cfadbh hdahae hdb ebcecf cfa eba - "
)
