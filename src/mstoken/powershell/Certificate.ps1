# Certificates of the user's and the machine's store. PowerShell signs; the key never leaves the store.

function Get-MsTokenCertificate([Collections.IDictionary]$Bound) {
    # The certificate that signs, of a cmdlet's bound parameters; nothing if they name none.
    $given = @('Certificate', 'CertificateThumbprint', 'CertificatePath', 'ClientSecret' | Where-Object { $Bound.ContainsKey($_) })
    if ($given.Count -gt 1 -and $given[0] -ne 'CertificatePath') { # a path beside a secret is mstoken's to judge
        throw (New-MsTokenUsageError "-$($given -join ' and -') exclude each other." 'Give one credential.')
    }
    if ($Bound.ContainsKey('CertificateThumbprint')) { return Find-MsTokenCertificate $Bound.CertificateThumbprint }
    if ($Bound.Certificate -and -not $Bound.Certificate.HasPrivateKey) {
        $remedy = 'Give a certificate object that has its key, such as one of the store My.'
        throw (New-MsTokenUsageError 'The certificate has no private key.' $remedy)
    }
    $Bound.Certificate
}

function Find-MsTokenCertificate([string]$Thumbprint) {
    # The certificate with its private key: that of the user before that of the machine, as in Connect-MgGraph.
    $wanted = $Thumbprint -replace '[^0-9A-Fa-f]' # a thumbprint that was copied has spaces, or an invisible first letter
    $without = $false
    foreach ($location in 'CurrentUser', 'LocalMachine') {
        $store = New-Object Security.Cryptography.X509Certificates.X509Store('My', $location)
        try { $store.Open('ReadOnly, OpenExistingOnly') } catch { continue } # there is no such store
        try {
            foreach ($one in $store.Certificates.Find('FindByThumbprint', $wanted, $false)) {
                if ($one.HasPrivateKey) { return $one }
                $without = $true
            }
        }
        finally { $store.Dispose() }
    }
    if ($without) {
        $message = "The certificate $wanted is in the store without its private key."
        throw (New-MsTokenUsageError $message 'Import the certificate with its key, or use an account that may read the key.')
    }
    $remedy = 'Get-ChildItem Cert:\CurrentUser\My, Cert:\LocalMachine\My'
    if ($env:OS -ne 'Windows_NT') { # no Cert: drive
        $class = '[Security.Cryptography.X509Certificates.X509Store]'
        $remedy = "`$store = $class::new('My', 'CurrentUser'); `$store.Open('ReadOnly'); `$store.Certificates"
    }
    throw (New-MsTokenUsageError "No certificate in the stores My has the thumbprint $wanted." $remedy)
}

function New-MsTokenSignature($Certificate, [byte[]]$Data, [string]$Algorithm = 'PS256') {
    # PS256 is RSASSA-PSS with SHA-256, RS256 RSASSA-PKCS1-v1_5 (RFC 7518 sections 3.5, 3.3). Nothing if the key cannot sign.
    try {
        $key = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($Certificate)
        $hash = [Security.Cryptography.HashAlgorithmName]::SHA256
        $padding = [Security.Cryptography.RSASignaturePadding]::Pss
        if ($Algorithm -eq 'RS256') { $padding = [Security.Cryptography.RSASignaturePadding]::Pkcs1 }
        , $key.SignData($Data, $hash, $padding)
    }
    catch {
        Write-Warning "The key cannot sign: $($_.Exception.Message)"
        , [byte[]]@()
    }
}
